/** Followers of one run share what is read; a wake-up has to reach each of them, and the end must not overtake the rest. */
import { expect, test } from 'vitest';
import { changeRun, lockRun, type NewRunEvent } from '../src/services/runChange.ts';
import { createRunFeed } from '../src/services/runFeed.ts';
import { standIn } from './support/standIn.ts';
import { db, launchOn, setUpWorkshop, systemWith, type Launched } from './support/workshop.ts';

setUpWorkshop();

/** Nothing but wake-ups makes it read. */
const HOUR = 3_600_000;

const tell = ({ id, viewer }: Launched, count: number, final = false) =>
  db.withTenant(viewer.tenantId, async (tx) => {
    const events = Array.from({ length: count }, (): NewRunEvent => ({ type: 'MESSAGE', message: 'news' }));
    const end = { status: 'CANCELLED', step: 'DONE' } as const;
    return changeRun(tx, await lockRun(tx, viewer.tenantId, id), final ? end : {}, events);
  });

async function followed(run: Launched, count: number) {
  const feed = createRunFeed({ db, readAnyway: HOUR });
  const seen = Array.from({ length: count }, (): number[] => []);
  const all = seen.map(async (seqs) => {
    for await (const { events } of feed.follow(run.viewer, run.id, 0, new AbortController().signal))
      seqs.push(...events.map(({ seq }) => seq));
  });
  const reached = (seq: number) => expect.poll(() => seen.every((seqs) => seqs.at(-1) === seq)).toBe(true);
  await reached((await run.row()).lastSeq);
  return { seen, all: Promise.all(all), reached, close: () => feed.close() };
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

test('one wake-up reaches all followers of a run', async () => {
  const run = await launchOn(systemWith(standIn()));
  const { seen, all, reached, close } = await followed(run, 20);
  for (let change = 0; change < 5; change += 1) await reached((await tell(run, 1)).lastSeq);
  const { lastSeq } = await tell(run, 1, true);
  await all;
  for (const seqs of seen) expect(seqs).toEqual(upTo(lastSeq));
  close();
});

test('all is told to all before the end, also when more comes at once than is read at once', async () => {
  const run = await launchOn(systemWith(standIn()));
  const { seen, all, close } = await followed(run, 10);
  const { lastSeq } = await tell(run, 2_600, true);
  await all;
  for (const seqs of seen) expect(seqs).toEqual(upTo(lastSeq));
  close();
});
