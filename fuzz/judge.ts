/** What no answer may hold, whatever was asked. */
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const LEAKS: [string, RegExp][] = [
  ['a stack', /\\n\s+at |\n\s+at \S+ \(|"stack"/],
  ['an original error', /originalError/],
  ['a module', /node_modules|node:internal|\.ts:\d+|\.js:\d+|PrismaClient|\bprisma\./],
  [
    'SQL',
    /\b(?:SELECT\s.+\sFROM|INSERT INTO|UPDATE \S+ SET|DELETE FROM)\b|\b(?:sqlstate|violates|pg_catalog)\b/i,
  ],
];

/** What is wrong with an answer, in words; empty when nothing is. */
export function faultsOf(text: string, dataDir: string): string[] {
  if (/^Content-Type: text\/html/im.test(text)) return []; // GraphiQL's page, which is code, and the same for all.
  const faults = LEAKS.flatMap(([name, pattern]) => (pattern.test(text) ? [`shows ${name}`] : []));
  const places = [root, homedir(), dataDir].filter((place) => place.length > 1);
  if (places.some((place) => text.includes(place))) faults.push('shows a path of the machine');
  // Masked, and a fault of ours all the same: something was not expected.
  if (text.includes('"INTERNAL_ERROR"')) faults.push('is an unexpected error');
  return faults;
}
