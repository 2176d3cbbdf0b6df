/**
 * Ticks. A job's pattern says when to look for work and the database decides what there is to do, so any number of
 * replicas may tick, and a missed tick costs only time.
 */
import { setImmediate as turn } from 'node:timers/promises';
import cron, { type ScheduledTask } from 'node-cron';

export interface Job {
  name: string;
  /** A cron pattern with seconds. */
  pattern: string;
  /** After this many milliseconds a run is cut off, so that the next can begin. */
  timeoutMs: number;
  /** How many runs of the job may go on side by side, where one that takes long must not hold up the next; 1 unless said. */
  atOnce?: number;
  run(signal: AbortSignal): Promise<unknown>;
}

export interface Scheduler {
  /** Begins to tick. Resolves when every job has its place in time. */
  start(): Promise<void>;
  /** Runs the job as soon as it can: now, or right after the run that is under way. */
  kick(name: string): void;
  /** When each job last ended, by name. */
  lastRuns(): ReadonlyMap<string, Date>;
  /** No more ticks; what runs is told to stop, and waited for. */
  stop(): Promise<void>;
}

export function createScheduler(jobs: Job[], onError: (error: unknown, job: string) => void): Scheduler {
  let stopped = false;
  /** What tells each run that is under way to stop. */
  const underWay = new Set<AbortController>();
  const running = new Map<string, Set<Promise<void>>>();
  const wanted = new Set<string>();
  const ended = new Map<string, Date>();
  const tasks: ScheduledTask[] = [];

  function isFull({ name, atOnce = 1 }: Job): boolean {
    return (running.get(name)?.size ?? 0) >= atOnce;
  }

  function tick(job: Job): void {
    if (stopped || isFull(job)) return;
    const runs = running.get(job.name) ?? new Set();
    running.set(job.name, runs);
    const run = runOnce(job).finally(() => {
      runs.delete(run);
      ended.set(job.name, new Date());
      if (wanted.delete(job.name)) tick(job);
    });
    runs.add(run);
  }

  async function runOnce(job: Job): Promise<void> {
    // Not AbortSignal.timeout: what waits for that is kept until its time is up, long after a run that took a moment.
    const stopping = new AbortController();
    underWay.add(stopping);
    let timer: NodeJS.Timeout | undefined;
    const cutOff = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`Job ${job.name} took more than ${job.timeoutMs} ms and was cut off`));
        stopping.abort();
      }, job.timeoutMs).unref();
    });
    try {
      await Promise.race([job.run(stopping.signal), cutOff]);
    } catch (error) {
      if (!stopped) onError(error, job.name);
    } finally {
      clearTimeout(timer);
      underWay.delete(stopping);
    }
  }

  return {
    async start() {
      // A missed tick is made good by the next; a process that was asleep would tell of each on its standard output.
      const options = { suppressMissedWarning: true };
      for (const job of jobs) {
        if (stopped) return;
        tasks.push(cron.schedule(job.pattern, () => tick(job), { ...options, name: job.name }));
        await turn(); // The first takes 20 ms, all of them 50, and requests are there already.
      }
    },
    kick(name) {
      const job = jobs.find((one) => one.name === name);
      if (!job) throw new Error(`There is no job called ${name}`);
      if (isFull(job)) wanted.add(name);
      else tick(job);
    },
    lastRuns: () => ended,
    async stop() {
      stopped = true;
      for (const stopping of underWay) stopping.abort();
      for (const task of tasks) await task.destroy();
      await Promise.all([...running.values()].flatMap((runs) => [...runs]));
    },
  };
}
