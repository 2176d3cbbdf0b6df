/** `npm run migrate:new NAME`: writes the migration that takes the database from prisma/migrations to schema.prisma. */
import { mkdir, writeFile } from 'node:fs/promises';
import { schemaDiff } from './schemaDiff.ts';

const name = process.argv[2];
if (!name || !/^[a-z0-9_]+$/.test(name)) {
  console.error('usage: npm run migrate:new NAME   (NAME: lower case letters, digits and _)');
  process.exit(2);
}

const sql = await schemaDiff();
if (sql === '') {
  console.log('The migrations already say what schema.prisma says: nothing to write.');
} else {
  const stamp = new Date().toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
  const folder = `prisma/migrations/${stamp}_${name}`;
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/migration.sql`, `${sql}\n`);
  console.log(`${folder}/migration.sql written. Read it, and add by hand what Prisma's language cannot say.`);
}
