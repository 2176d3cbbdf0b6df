import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { BENCHMARKS, chosen } from '../bench/benchmarks.ts';
import { median, race } from '../bench/frame.ts';
import { asObject, withGrowth } from '../bench/report.ts';
import { withFigures } from '../bench/write.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const SERVER = process.env['TEST_DATABASE_URL'];

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
    const figure = { limit: null, peer: null, goal: '', reached: true, peakMemoryMb: 1 };
    const time = (ours: number, work: number) => ({ ...figure, name: 'time', unit: 's', ours, work });
    const speed = (ours: number) => ({ ...figure, name: 'speed', unit: 'MB/s', ours });
    const grown = withGrowth([time(20, 100), speed(5)], [time(1, 10), speed(10)]);
    expect(grown.map(({ growth }) => growth)).toEqual([2, 2]);
  });

  test('figures are written between the marks, and the rest of the document stays', () => {
    const document = readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8');
    const how = { scale: 1, rounds: 5, date: new Date('2026-11-28') };
    const figure = { name: 'x', unit: 's', ours: 2, limit: 4, peer: null, goal: 'less', reached: false };
    const first = withFigures(document, [{ ...figure, peakMemoryMb: 1 }], how);
    const second = withFigures(first, [{ ...figure, name: 'y', peakMemoryMb: 1, growth: 1.5 }], how);
    expect(second).toContain('| `x` | 2 s | × 0.500 | – | less | **missed** | – | 1 MB |');
    expect(second).toContain('| `y` | 2 s | × 0.500 | – | less | **missed** | × 1.50 | 1 MB |');
    expect(second.startsWith(document.slice(0, document.indexOf('<!--')))).toBe(true);
  });

  test('ratios are told where there is something to compare with', () => {
    const figure = { name: 'x', unit: 's', ours: 2, limit: 4, peer: null, goal: 'less', reached: true };
    expect(asObject([{ ...figure, peakMemoryMb: 1 }])).toMatchObject({
      x: { ours: 2, limit: 4, peer: null, ratioToLimit: 0.5, ratioToPeer: null, reached: true },
    });
  });
});

test('tokens are measured, and all three counters agree', async () => {
  const figures = await measured(['tokens', '--scale=0.005']);
  expect(Object.keys(figures)).toEqual(['tokens', 'tokensRandomWords', 'tokensOnePiece']);
  expect(figures.tokens).toMatchObject({ unit: 'MB/s', limit: null, goal: '8 times tiktoken' });
  expect(figures.tokens.ratioToPeer).toBeCloseTo(figures.tokens.ours / figures.tokens.peer);
}, 60_000);

describe.skipIf(!SERVER)('on a PostgreSQL server', () => {
  test('reads are measured, and all who are asked answer the same', async () => {
    const figures = await measured(['reads', '--scale=0.001', `--database-url=${SERVER}`]);
    const names = ['readsDataset', 'readsPage', 'readsRun', 'readsReview', 'readsName', 'readsTiny'];
    expect(Object.keys(figures)).toEqual(expect.arrayContaining([...names, 'readsGrowth']));
    for (const name of names)
      expect(figures[name]).toMatchObject({ unit: 'requests/s', limit: expect.any(Number) });
  }, 300_000);

  test('fan-out, polling and the embedded database are measured, and come to what they should', async () => {
    const small = ['--scale=0.01', `--database-url=${SERVER}`];
    const figures = await measured(['fanout', 'poll', 'embedded', ...small]);
    expect(Object.keys(figures)).toEqual([
      'fanoutWebSocket1000',
      'fanoutEventStream1000',
      'fanoutWebSocket5000',
      'fanoutEventStream5000',
      'poll1000',
      'poll10000',
      'embedded',
    ]);
    expect(figures.poll10000).toMatchObject({ neverAsked: 0, runs: 100 });
  }, 300_000);
});

/** What the benchmarks print, whether goals were reached or not; throws when contenders came to different results. */
async function measured(args: string[]) {
  const all = ['--import', 'tsx', 'bench/main.ts', ...args, '--rounds=1', '--json'];
  const run = promisify(execFile)(process.execPath, all, { cwd: root }).catch((missed: unknown) => missed);
  const { stdout, stderr } = (await run) as { stdout: string; stderr: string };
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(stderr);
  return JSON.parse(last);
}
