/** The lines that go past pino are as pino's would be. */
import { expect, test } from 'vitest';
import { createLogger, withKnownFields } from '../src/log.ts';

const KEY = `tsk_0123abcd_${'k'.repeat(32)}`;

test('a line tells each field that there is, in its order, and cuts keys out', () => {
  const lines: string[] = [];
  const log = createLogger('info', { stream: { write: (line) => void lines.push(line) } });
  const { info, debug } = withKnownFields(log);
  const of = { requestId: 'a-1', subject: 'Zoë "the\n\\odd\u2028', operation: `query ${KEY}` };
  info(of, { status: 200, ms: 1.5, outcome: undefined }, 'It is "said"');
  debug(of, {}, 'Not told at this level');
  const time: unknown = expect.any(Number);
  const cut = { ...of, operation: 'query [cut]' };
  const expected = { level: 30, time, ...cut, status: 200, ms: 1.5, msg: 'It is "said"' };
  const told = lines.map((line): unknown => JSON.parse(line));
  expect(told).toEqual([expected]);
  expect(told.map((line) => Object.keys(Object(line)))).toEqual([Object.keys(expected)]);
  expect(lines[0]?.endsWith('}\n')).toBe(true);
});

test('a logger of another make is written to all the same', () => {
  const lines: string[] = [];
  const log = createLogger('info', { stream: { write: (line) => void lines.push(line) } });
  withKnownFields(log.child({ socketId: 's' })).info({ requestId: 'a-1' }, { status: 200 }, 'Said');
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    { level: 30, socketId: 's', requestId: 'a-1', status: 200, msg: 'Said' },
  ]);
});
