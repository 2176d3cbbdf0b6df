import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createPrecedence } from '../src/services/precedence.ts';

const NEVER = new AbortController().signal;

/** Work that lasts until it is told to end. */
function openWork() {
  const ending = new AbortController();
  const ended = once(ending.signal, 'abort');
  return { work: () => ended, end: () => ending.abort() };
}

test('what can wait waits until all that goes first is done, also where that fails', async () => {
  const precedence = createPrecedence();
  const [one, other] = [openWork(), openWork()];
  const failing = precedence.first(async () => {
    await other.work();
    throw new Error('no');
  });
  const working = precedence.first(one.work);
  let waited = false;
  const waiting = precedence.afterwards(NEVER).then(() => (waited = true));
  one.end();
  await working;
  await setImmediate();
  expect(waited).toBe(false);
  other.end();
  await expect(failing).rejects.toThrow('no');
  await waiting;
  await precedence.afterwards(NEVER);
});

test('it waits no longer than so long, and not once it is stopped', async () => {
  const { work, end } = openWork();
  const impatient = createPrecedence(0.01);
  const patient = createPrecedence(1_000_000);
  const working = [impatient.first(work), patient.first(work)];
  await expect(impatient.afterwards(NEVER)).resolves.toBeUndefined();
  const stop = new AbortController();
  const waiting = patient.afterwards(stop.signal);
  stop.abort();
  await waiting;
  await expect(patient.afterwards(stop.signal)).resolves.toBeUndefined();
  end();
  await Promise.all(working);
});
