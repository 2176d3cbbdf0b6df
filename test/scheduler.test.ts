import { afterEach, expect, test } from 'vitest';
import { createScheduler, type Job, type Scheduler } from '../src/jobs/scheduler.ts';
import { collectGarbage } from './support/garbage.ts';
import { gate } from './support/standIn.ts';

const NEVER = '0 0 0 1 1 *';
const EVERY_SECOND = '* * * * * *';
let scheduler: Scheduler | undefined;
let errors: [unknown, string][] = [];

afterEach(async () => {
  await scheduler?.stop();
  errors = [];
});

function schedule(...jobs: (Partial<Job> & Pick<Job, 'run'>)[]): Scheduler {
  const whole = jobs.map((job, index) => ({
    name: `job${index}`,
    pattern: NEVER,
    timeoutMs: 10_000,
    ...job,
  }));
  scheduler = createScheduler(whole, (error, job) => errors.push([error, job]));
  return scheduler;
}

test('ticks run the job again and again', async () => {
  const third = gate();
  let runs = 0;
  await schedule({
    pattern: EVERY_SECOND,
    run: async () => {
      runs += 1;
      if (runs === 3) third.open();
    },
  }).start();
  await third.opened;
  expect(scheduler?.lastRuns().get('job0')).toBeInstanceOf(Date);
});

test('a job that hangs is cut off, told of, and the next tick runs', async () => {
  const second = gate();
  const signals: AbortSignal[] = [];
  await schedule({
    pattern: EVERY_SECOND,
    timeoutMs: 50,
    run: async (signal) => {
      signals.push(signal);
      if (signals.length === 1) return new Promise(() => undefined);
      return second.open();
    },
  }).start();
  await second.opened;
  expect(signals[0]?.aborted).toBe(true);
  expect(errors).toEqual([
    [expect.objectContaining({ message: expect.stringContaining('more than 50 ms') }), 'job0'],
  ]);
});

test('a job that fails is told of and runs again', async () => {
  const failed = gate();
  let runs = 0;
  const kicked = schedule({
    run: async () => {
      runs += 1;
      if (runs === 1) throw new Error('broken');
      failed.open();
    },
  });
  kicked.kick('job0');
  kicked.kick('job0');
  await failed.opened;
  expect(errors).toEqual([[new Error('broken'), 'job0']]);
});

test('kicks during a run make it run once more, not as often as it was kicked', async () => {
  const gates = [gate(), gate(), gate()];
  const begun = [gate(), gate(), gate()];
  let runs = 0;
  const kicked = schedule({
    run: async () => {
      const turn = runs;
      runs += 1;
      begun[turn]?.open();
      await gates[turn]?.opened;
    },
  });
  kicked.kick('job0');
  await begun[0]?.opened;
  for (let n = 0; n < 5; n += 1) kicked.kick('job0');
  expect(runs).toBe(1);
  gates[0]?.open();
  await begun[1]?.opened;
  gates[1]?.open();
  gates[2]?.open();
  await kicked.stop();
  expect(runs).toBe(2);
});

test('nothing is left of a run that has ended, however long it might have taken', async () => {
  const signals: WeakRef<AbortSignal>[] = [];
  const kicked = schedule({
    timeoutMs: 60 * 60_000,
    run: async (signal) => {
      signal.addEventListener('abort', () => undefined); // As whatever a job waits for does.
      signals.push(new WeakRef(signal));
    },
  });
  kicked.kick('job0');
  await expect
    .poll(() => {
      collectGarbage();
      return signals.map((signal) => signal.deref() === undefined);
    })
    .toEqual([true]);
});

test('one job does not wait for another', async () => {
  const other = gate();
  const both = schedule({ run: () => other.opened }, { run: async () => other.open() });
  both.kick('job0');
  both.kick('job1');
  await other.opened;
  await expect
    .poll(() => [...both.lastRuns().keys()].toSorted((a, b) => a.localeCompare(b)))
    .toEqual(['job0', 'job1']);
});

test('stopping tells what runs, waits for it, and lets nothing begin', async () => {
  const [begun, goOn] = [gate(), gate()];
  let [runs, ended] = [0, false];
  let aborted: boolean | undefined;
  const stopped = schedule({
    run: async (signal) => {
      runs += 1;
      begun.open();
      await goOn.opened;
      aborted = signal.aborted;
      ended = true;
    },
  });
  await stopped.start();
  stopped.kick('job0');
  await begun.opened;
  stopped.kick('job0');
  const stopping = stopped.stop();
  goOn.open();
  await stopping;
  expect([runs, ended, aborted]).toEqual([1, true, true]);
  stopped.kick('job0');
  expect(runs).toBe(1);
});

test('there is no kicking a job that does not exist', () => {
  expect(() => schedule({ run: async () => undefined }).kick('nothing')).toThrow('nothing');
});
