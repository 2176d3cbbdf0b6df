/**
 * Writes src/services/personalData/nameList.ts: given names and surnames in Latin script, from the lists of
 * @faker-js/faker (MIT licence), which are kept by people of each country. Run again when that package is updated:
 * `npx tsx scripts/nameList.ts`.
 */
import { writeFileSync } from 'node:fs';
import { allLocales } from '@faker-js/faker';
import { packageRoot } from '../src/paths.ts';
import { plain } from '../src/services/personalData/words.ts';
import { FURTHER_GIVEN_NAMES, FURTHER_SURNAMES } from './furtherNames.ts';

const NAME = /^\p{Script=Latin}[\p{Script=Latin}\p{M}'’-]*$/u;

interface Names {
  generic?: readonly string[];
  female?: readonly string[];
  male?: readonly string[];
}

function add(to: Set<string>, names: Names | null | undefined): void {
  const all = [...(names?.generic ?? []), ...(names?.female ?? []), ...(names?.male ?? [])];
  for (const name of all.flatMap((one) => one.split(/[ ’'-]/))) {
    if (NAME.test(name) && name.length > 1) to.add(plain(name));
  }
}

const given = new Set<string>();
const surnames = new Set<string>();
for (const { person } of Object.values(allLocales)) {
  add(given, person?.first_name);
  add(surnames, person?.last_name);
}
for (const name of FURTHER_GIVEN_NAMES.split(/\s+/)) if (name) given.add(name);
for (const name of FURTHER_SURNAMES.split(/\s+/)) if (name) surnames.add(name);

const listed = (names: Set<string>) => [...names].toSorted().join(' ');
writeFileSync(
  new URL('src/services/personalData/nameList.ts', packageRoot),
  `/**
 * Names of people, lower case and without accents. Written by scripts/nameList.ts from the lists of @faker-js/faker,
 * (c) its contributors, MIT licence.
 */
export const GIVEN_NAMES =
  '${listed(given)}';

export const SURNAMES =
  '${listed(surnames)}';
`,
);
