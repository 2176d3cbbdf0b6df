/** Following training runs live. */
import type { RunEvent, TrainingRun } from '../generated/prisma/client.ts';
import { InvalidInputError } from '../services/errors.ts';
import type { RunNews } from '../services/runFeed.ts';
import { runAsOf } from '../services/runState.ts';
import { builder } from './builder.ts';
import { parseId } from './ids.ts';
import { RunEventType } from './runEvent.ts';
import { TrainingRunNode } from './trainingRun.ts';
import { courseOf, untilGone } from './untilGone.ts';

const AFTER_SEQ =
  'The last number that you know (`lastSeq` of a run, `seq` of an event): only what came after it is told.';

builder.subscriptionFields((t) => ({
  trainingRunUpdated: t.field({
    type: TrainingRunNode,
    description:
      'Step 5: the run as it is now, then as it was after every change of its own, in order, until it is final. `lastSeq` grows with each; hand the last one back as `afterSeq` to go on after a break.',
    args: {
      id: t.arg.id({ required: true, description: 'The id of the run.' }),
      afterSeq: t.arg.int({ description: AFTER_SEQ }),
    },
    subscribe: (_root, { id, afterSeq }, { services, viewer }) => {
      const [runId, after] = [parseId('TrainingRun', id), checkedSeq(afterSeq)];
      return courseOf<TrainingRun>(
        (signal, told) => {
          const from = told?.lastSeq ?? after;
          return states(services.runFeed.follow(viewer, runId, from, signal), from);
        },
        (run) => run.lastSeq,
      );
    },
    resolve: (run) => run,
  }),
  trainingRunEvents: t.field({
    type: RunEventType,
    description:
      'Every event of the run, the first one first, then each as it happens, without a gap or a repeat, until the run is final.',
    args: {
      id: t.arg.id({ required: true, description: 'The id of the run.' }),
      afterSeq: t.arg.int({ description: AFTER_SEQ }),
    },
    subscribe: (_root, { id, afterSeq }, { services, viewer }) => {
      const [runId, after] = [parseId('TrainingRun', id), checkedSeq(afterSeq)];
      return courseOf<RunEvent>(
        (signal, told) => events(services.runFeed.follow(viewer, runId, told?.seq ?? after ?? 0, signal)),
        (event) => event.seq,
      );
    },
    resolve: (event) => event,
  }),
  trainingRunsUpdated: t.field({
    type: TrainingRunNode,
    description:
      'Your unfinished runs as they are now, then every run of yours after it has changed. Quick changes of one run come as one.',
    subscribe: (_root, _args, { services, viewer }) =>
      untilGone((signal) => services.changeFeed.followRuns(viewer, signal)),
    resolve: (run) => run,
  }),
}));

function checkedSeq(afterSeq: number | null | undefined): number | null {
  if (afterSeq == null || afterSeq >= 0) return afterSeq ?? null;
  throw new InvalidInputError([{ field: 'afterSeq', message: `must be 0 or more, not ${afterSeq}` }]);
}

/** The run after each event that changed it; for whoever knows nothing yet, first as it is now. */
async function* states(news: AsyncGenerator<RunNews>, afterSeq: number | null): AsyncGenerator<TrainingRun> {
  let untold = afterSeq === null;
  for await (const { run, events: happened } of news) {
    if (untold) yield run;
    untold = false;
    for (const event of happened) {
      const state = runAsOf(run, event);
      if (state) yield state;
    }
  }
}

async function* events(news: AsyncGenerator<RunNews>): AsyncGenerator<RunEvent> {
  for await (const { events: happened } of news) yield* happened;
}
