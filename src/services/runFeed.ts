/**
 * Following one run live. The tables are the truth: a follower is a number within the run, and after every wake-up it
 * reads on from there. What all followers of a run are about to read is read once and kept for them, so a change costs
 * one query, however many follow, and a follower that does not read costs nothing.
 */
import type { Database } from '../db/database.ts';
import type { RunEvent, TrainingRun } from '../generated/prisma/client.ts';
import { NotFoundError } from './errors.ts';
import { createMailbox } from './mailbox.ts';
import { isFinal } from './runStatus.ts';
import type { Viewer } from './viewer.ts';

/** How long a lost wake-up can delay a change, in milliseconds. */
const READ_ANYWAY = 5_000;
/** As many events as are read at once, and as are kept for the followers of a run. */
const PAGE = 500;

export interface RunNews {
  run: TrainingRun;
  /** The events after those told before, in order, without gaps. Empty only the first time, if there are none. */
  events: RunEvent[];
}

/** What the followers of one run share. */
interface Channel {
  run: TrainingRun;
  /** The newest events, in order, without gaps. */
  recent: RunEvent[];
  /** Whether there was a wake-up since the last read began. */
  stale: boolean;
  reading: Promise<void> | null;
  wakers: Set<() => void>;
  timer: NodeJS.Timeout;
}

export type RunFeed = ReturnType<typeof createRunFeed>;

export function createRunFeed({
  db,
  readAnyway = READ_ANYWAY,
}: {
  db: Pick<Database, 'clientOf' | 'notifications'>;
  readAnyway?: number;
}) {
  const channels = new Map<string, Channel>();
  const lookUps = new Map<string, Promise<TrainingRun | null>>();
  const stopListening = db.notifications.listen((wakeUp) => {
    if (wakeUp.kind === 'run') wake(channels.get(wakeUp.id));
    if (wakeUp.kind === 'resumed') for (const channel of channels.values()) wake(channel);
  });

  return {
    /**
     * The run as it is now and the events after number `afterSeq` (null: none of those that were before), then again
     * after every change, until the run is final and told to its end, or `signal` is aborted. Throws NotFoundError.
     */
    async *follow(
      viewer: Viewer,
      id: string,
      afterSeq: number | null,
      signal: AbortSignal,
    ): AsyncGenerator<RunNews> {
      const mailbox = createMailbox();
      const waker = (): void => mailbox.put(id);
      const channel = await join(viewer, id, waker);
      try {
        let told = afterSeq ?? Infinity;
        let first = true;
        while (!signal.aborted) {
          const { run, events } = await readOn(channel, told);
          if (first || events.length > 0) {
            first = false;
            told = events.at(-1)?.seq ?? Math.min(told, run.lastSeq);
            yield { run, events };
          } else if (isFinal(run.status)) {
            return;
          } else {
            await mailbox.take(signal);
          }
        }
      } finally {
        leave(id, channel, waker);
      }
    },

    /** How many followers there are (a broadcast is one), over all runs. */
    followers: () => [...channels.values()].reduce((sum, { wakers }) => sum + wakers.size, 0),

    close(): void {
      stopListening();
      for (const { timer } of channels.values()) clearInterval(timer);
    },
  };

  async function join(viewer: Viewer, id: string, waker: () => void): Promise<Channel> {
    const run = channels.get(id)?.run ?? (await lookUp(viewer.tenantId, id));
    if (run?.tenantId !== viewer.tenantId) throw new NotFoundError('training run', id);
    const channel = channels.get(id) ?? {
      run,
      recent: [],
      stale: true,
      reading: null,
      wakers: new Set(),
      timer: setInterval(() => wake(channel), readAnyway),
    };
    channel.wakers.add(waker);
    channels.set(id, channel);
    return channel;
  }

  /** Once for all who begin to follow in the same moment, as a dashboard's viewers do when a run is launched. */
  function lookUp(tenantId: string, id: string): Promise<TrainingRun | null> {
    const key = `${tenantId}/${id}`;
    const present = lookUps.get(key);
    if (present) return present;
    const found = findRun(tenantId, id).finally(() => lookUps.delete(key));
    lookUps.set(key, found);
    return found;
  }

  function leave(id: string, channel: Channel, waker: () => void): void {
    channel.wakers.delete(waker);
    if (channel.wakers.size > 0) return;
    clearInterval(channel.timer);
    if (channels.get(id) === channel) channels.delete(id);
  }

  function wake(channel: Channel | undefined): void {
    if (!channel) return;
    channel.stale = true;
    for (const waker of channel.wakers) waker();
  }

  async function readOn(channel: Channel, told: number): Promise<RunNews> {
    // What is being read may be from before the wake-up; what is read after it is not.
    await channel.reading;
    if (channel.stale || channel.reading) {
      channel.reading ??= refresh(channel).finally(() => {
        channel.reading = null;
      });
      await channel.reading;
    }
    const { run, recent } = channel;
    if (told >= run.lastSeq) return { run, events: [] };
    const [oldest, newest] = [recent[0], recent.at(-1)];
    // After a burst what is kept may not reach as far as the run does.
    const kept = oldest !== undefined && oldest.seq <= told + 1 && newest !== undefined && newest.seq > told;
    return { run, events: kept ? recent.filter(({ seq }) => seq > told) : await eventsAfter(run, told) };
  }

  async function refresh(channel: Channel): Promise<void> {
    channel.stale = false; // A wake-up while this reads makes it stale again.
    try {
      const run = (await findRun(channel.run.tenantId, channel.run.id)) ?? channel.run;
      let { recent } = channel;
      let newest = recent.at(-1)?.seq ?? Math.max(0, run.lastSeq - PAGE);
      while (newest < run.lastSeq) {
        recent = [...recent, ...(await eventsAfter(run, newest))].slice(-PAGE);
        newest = recent.at(-1)?.seq ?? run.lastSeq;
      }
      channel.recent = recent;
      channel.run = run;
    } catch (error) {
      channel.stale = true;
      throw error;
    }
  }

  async function findRun(tenantId: string, id: string): Promise<TrainingRun | null> {
    return db.clientOf(tenantId).trainingRun.findFirst({ where: { id, tenantId } });
  }

  async function eventsAfter({ tenantId, id }: TrainingRun, seq: number): Promise<RunEvent[]> {
    return db.clientOf(tenantId).runEvent.findMany({
      where: { tenantId, runId: id, seq: { gt: seq } },
      orderBy: { seq: 'asc' },
      take: PAGE,
    });
  }
}
