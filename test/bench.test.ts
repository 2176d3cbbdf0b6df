import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { BENCHMARKS, chosen } from '../bench/benchmarks.ts';
import { median, race } from '../bench/frame.ts';
import { asObject } from '../bench/report.ts';

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

  test('ratios are told where there is something to compare with', () => {
    const figure = { name: 'x', unit: 's', ours: 2, limit: 4, peer: null, goal: 'less', reached: true };
    expect(asObject([{ ...figure, peakMemoryMb: 1 }])).toMatchObject({
      x: { ours: 2, limit: 4, peer: null, ratioToLimit: 0.5, ratioToPeer: null, reached: true },
    });
  });
});

async function bench(...more: string[]) {
  const args = ['--import', 'tsx', 'bench/main.ts', ...more, '--rounds=1', '--json'];
  const run = promisify(execFile)(process.execPath, args, { cwd: root }).catch((missed: unknown) => missed);
  const { stdout, stderr } = (await run) as { stdout: string; stderr: string };
  return { stderr, figures: JSON.parse(stdout.trim().split('\n').at(-1) ?? '') };
}

test('tokens are measured, and all three counters agree', async () => {
  const { figures } = await bench('tokens', '--scale=0.005');
  expect(Object.keys(figures)).toEqual(['tokens', 'tokensRandomWords', 'tokensOnePiece']);
  expect(figures.tokens).toMatchObject({ unit: 'MB/s', limit: null, goal: '8 times tiktoken' });
  expect(figures.tokens.ratioToPeer).toBeCloseTo(figures.tokens.ours / figures.tokens.peer);
}, 60_000);

test('what needs a server says so where none is named', async () => {
  const { figures, stderr } = await bench('collect', 'import', '--scale=0.001');
  expect(figures).toEqual({});
  expect(stderr).toContain('Not measured: collect, import. Name a PostgreSQL server with --database-url.');
}, 60_000);

const server = process.env['TEST_DATABASE_URL'];

describe.skipIf(!server)('on a server, contenders come to the same', () => {
  test.each([
    ['collect', ['collect', 'collectUncounted']],
    ['import', ['importNdjson', 'importCsv']],
    ['export', ['exportFile100k', 'exportHttp100k', 'exportFile400k', 'exportHttp400k']],
    ['launch', ['launch']],
    ['start', ['startPostgres', 'startEmbedded', 'startEmbeddedNew']],
  ])(
    '%s',
    async (name, expected) => {
      const { figures } = await bench(name, '--scale=0.002', `--database-url=${server}`);
      expect(Object.keys(figures)).toEqual(expected);
      for (const figure of Object.values<Record<string, number>>(figures)) {
        expect(figure['ours']).toBeGreaterThan(0);
        expect(figure['peakMemoryMb']).toBeGreaterThan(50);
      }
    },
    300_000,
  );
});
