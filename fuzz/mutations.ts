/** What people, programs and attackers get wrong, in texts and in JSON. */
import type { SeededRandom } from '../bench/random.ts';

/** Texts that something along the way may stumble over: databases, parsers, file systems, terminals, clocks. */
const NASTY_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\uD800',
  '\uDFFF tail',
  '\uFEFF',
  '\u202Eevil',
  'e\u0301'.repeat(500),
  '👩‍👩‍👧‍👦'.repeat(50),
  '𝕏',
  '\r\nX-Injected: yes',
  "'; DROP TABLE tenants; --",
  '" OR ""="',
  '%00',
  '%',
  '_',
  '\\',
  '\\u0000',
  '%%%',
  '../../../../etc/passwd',
  '__proto__',
  'constructor',
  '${7*7}{{7*7}}',
  '<script>alert(1)</script>',
  'NaN',
  'Infinity',
  '-0',
  '9'.repeat(400),
  '0x7fffffff',
  '1e309',
  '2026-02-30T25:61:61Z',
  '-271821-04-20T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  '0000-00-00T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '2026-11-22',
  'null',
  'true',
  'x'.repeat(10_000),
  '('.repeat(300),
];

const NASTY_NUMBERS = [
  0,
  -0,
  -1,
  1,
  0.1,
  1.5,
  2,
  100,
  101,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  1e21,
  1e308,
  -1e308,
  5e-324,
  0.30000000000000004,
];

export const nastyText = ({ pick }: SeededRandom): string => pick(NASTY_TEXTS);
export const nastyNumber = ({ pick }: SeededRandom): number => pick(NASTY_NUMBERS);

export function nastyValue(random: SeededRandom, depth = 2): unknown {
  const { below, pick } = random;
  const kind = below(depth > 0 ? 9 : 6);
  if (kind < 2) return nastyText(random);
  if (kind < 4) return nastyNumber(random);
  if (kind === 4) return pick([null, true, false]);
  if (kind === 5) return pick<unknown>([[], {}]);
  const values = Array.from({ length: below(4) }, () => nastyValue(random, depth - 1));
  if (kind < 8) return values;
  return Object.fromEntries(values.map((value) => [nastyText(random), value]));
}

/** The text with one to three changes. */
export function mutatedText(text: string, random: SeededRandom): string {
  let changed = text;
  for (let times = 1 + random.below(3); times > 0; times -= 1) changed = mutatedOnce(changed, random);
  return changed;
}

function mutatedOnce(text: string, random: SeededRandom): string {
  const { below } = random;
  const [a, b] = [below(text.length + 1), below(text.length + 1)].toSorted((x, y) => x - y);
  const [start = 0, end = 0] = [a, b];
  switch (below(8)) {
    case 0:
      return text.slice(0, start) + text.slice(Math.min(end, start + 20));
    case 1:
      return text.slice(0, start);
    case 2:
      return text.slice(0, start) + nastyText(random) + text.slice(start);
    case 3:
      return text.slice(0, start) + text.slice(start, end).repeat(2) + text.slice(end);
    case 4:
      return text.slice(0, start) + String.fromCharCode(below(0x300)) + text.slice(start + 1);
    case 5:
      return text.replace(/\d+/, () => String(nastyNumber(random)));
    case 6:
      return text.replace(/"[^"]*"/, () => JSON.stringify(nastyText(random)));
    default:
      return text.replaceAll(/[{}()[\]":,!$]/g, (mark) => (below(10) === 0 ? '' : mark));
  }
}

/** The value with one of the values in it changed. */
export function mutatedValue(value: unknown, random: SeededRandom): unknown {
  if (Array.isArray(value) && value.length > 0 && random.below(4) > 0) {
    const at = random.below(value.length);
    return value.map((one: unknown, index) => (index === at ? mutatedValue(one, random) : one));
  }
  if (value instanceof Object && !Array.isArray(value) && random.below(4) > 0) {
    const entries = Object.entries(value);
    const at = random.below(entries.length + 1);
    if (at === entries.length)
      return Object.fromEntries([...entries, [nastyText(random), nastyValue(random)]]);
    if (random.below(6) === 0) return Object.fromEntries(entries.filter((_, index) => index !== at));
    return Object.fromEntries(
      entries.map(([key, one], index) => [key, index === at ? mutatedValue(one, random) : one]),
    );
  }
  if (typeof value === 'string' && random.below(2) === 0) return mutatedText(value, random);
  return nastyValue(random);
}
