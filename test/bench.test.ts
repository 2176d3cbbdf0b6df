import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { BENCHMARKS, chosen } from '../bench/benchmarks.ts';
import { median, race } from '../bench/frame.ts';
import { asObject, withGrowth } from '../bench/report.ts';
import { withFigures } from '../bench/write.ts';

const TIME = { of: 'x', unit: 's', ours: 2, limit: 4, peer: null, goal: 'less', peakMemoryMb: 1 };
const named = (name: string, reached: boolean) => ({ ...TIME, name, reached });
const root = fileURLToPath(new URL('..', import.meta.url));

describe('the frame', () => {
  test('contenders take turns, and the round to warm up does not count', async () => {
    const order: string[] = [];
    const contender = (name: string) => ({
      name,
      run: (round: number) => void order.push(`${name}${round}`),
    });
    const took = await race([contender('a'), contender('b')], (round) => round, 2);
    expect(order).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
    expect([...took.keys()]).toEqual(['a', 'b']);
  });

  test('contenders that come to different results are no contenders', async () => {
    const contenders = [
      { name: 'right', run: () => [1, 2] },
      { name: 'wrong', run: () => [1, 3] },
    ];
    await expect(race(contenders, () => null, 1)).rejects.toThrow(
      'wrong and right do not come to the same result',
    );
  });

  test('the median of an even number of times lies between the middle two', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
  });

  test('a name is a benchmark or a group', () => {
    expect(chosen([])).toEqual(BENCHMARKS);
    expect(chosen(['data']).map(({ name }) => name)).toContain('tokens');
    expect(() => chosen(['nothing'])).toThrow('There is no benchmark nothing. There are data, tokens');
  });

  test('what one item costs is compared with what it costs in a tenth of the data', () => {
    const figure = { of: 'x', limit: null, peer: null, goal: '', reached: true, peakMemoryMb: 1 };
    const time = (ours: number, work: number) => ({ ...figure, name: 'time', unit: 's', ours, work });
    const speed = (ours: number) => ({ ...figure, name: 'speed', unit: 'MB/s', ours });
    const grown = withGrowth([time(20, 100), speed(5)], [time(1, 10), speed(10)]);
    expect(grown.map(({ growth }) => growth)).toEqual([2, 2]);
  });

  test('figures are written between the marks, and the rest of the document stays', () => {
    const document = readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8');
    const how = { scale: 1, rounds: 5, date: new Date('2026-11-28') };
    const figure = named('x', false);
    const first = withFigures(document, [figure], how);
    const second = withFigures(first, [{ ...figure, name: 'y', growth: 1.5 }], how);
    expect(second).toContain('| `x` | 2 s | × 0.500 | – | less | **missed** | – | 1 MB |');
    expect(second).toContain('| `y` | 2 s | × 0.500 | – | less | **missed** | × 1.50 | 1 MB |');
    expect(second.startsWith(document.slice(0, document.indexOf('<!--')))).toBe(true);
  });

  test('ratios are told where there is something to compare with', () => {
    const figure = named('x', true);
    expect(asObject([figure])).toMatchObject({
      x: { ours: 2, limit: 4, peer: null, ratioToLimit: 0.5, ratioToPeer: null, reached: true },
    });
  });

  test('under the name of a benchmark of many figures stands the first that misses its goal', () => {
    const all = asObject([named('xOne', true), named('xTwo', false), named('xThree', false)]);
    expect(Object.keys(all)).toEqual(['x', 'xOne', 'xTwo', 'xThree']);
    expect(all).toMatchObject({ x: { figure: 'xTwo', reached: false }, xOne: { reached: true } });
    expect(asObject([named('xOne', true), named('xTwo', true)])).toMatchObject({ x: { figure: 'xOne' } });
  });
});

async function bench(...more: string[]) {
  const args = ['--import', 'tsx', 'bench/main.ts', ...more, '--rounds=1', '--json'];
  const run = promisify(execFile)(process.execPath, args, { cwd: root }).catch((missed: unknown) => missed);
  const { stdout, stderr } = z.object({ stdout: z.string(), stderr: z.string() }).parse(await run);
  return {
    stderr,
    figures: z.record(z.string(), figure).parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')),
  };
}

const figure = z.looseObject({
  ours: z.number(),
  limit: z.number().nullable(),
  peer: z.number().nullable(),
  ratioToLimit: z.number().nullable(),
  ratioToPeer: z.number().nullable(),
  goal: z.string(),
  reached: z.boolean(),
  growth: z.number(),
});

test('tokens are measured at two sizes, and all three counters agree', async () => {
  const { figures } = await bench('tokens', '--scale=0.005');
  expect(Object.keys(figures)).toEqual(['tokens', 'tokensRandomWords', 'tokensOnePiece']);
  expect(figures['tokens']).toMatchObject({ unit: 'MB/s', limit: null, goal: '8 times tiktoken' });
  const { ours, peer, ratioToPeer } = figures['tokens'] ?? {};
  expect(ratioToPeer).toBeCloseTo(Number(ours) / Number(peer));
}, 60_000);

test('what needs a server says so where there is none', async () => {
  const { figures, stderr } = await bench(
    'collect',
    'import',
    '--database-url=postgres://nobody@127.0.0.1:1/none',
  );
  expect(figures).toEqual({});
  expect(stderr).toContain(
    'Not measured: collect, import. They need a PostgreSQL server; --database-url names it.',
  );
}, 60_000);
