/** A process that has a data directory open and writes until it is killed; it tells each write that was acknowledged. */
import { openDatabase } from '../../src/db/database.ts';
import { ensureTenant } from '../../src/db/tenants.ts';

const db = await openDatabase({ dataDir: process.argv[2], onError: (error) => console.error(error) });
process.stdout.write('open\n');
for (let n = 1; ; n += 1) {
  await ensureTenant(db, `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`, `write ${n}`);
  process.stdout.write(`${n}\n`);
}
