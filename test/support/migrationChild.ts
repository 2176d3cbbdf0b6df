/** Applies the migrations to a database in memory and prints what would then keep the process from ending. */
import { schemaDiff } from '../../scripts/schemaDiff.ts';

await schemaDiff();
console.log(process.getActiveResourcesInfo().join('\n'));
