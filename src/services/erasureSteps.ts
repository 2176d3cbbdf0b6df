/** How far an erasure has got, as its row and its tasks tell. Pure. */
import type { ErasureTaskKind, TrainingRunStatus } from '../generated/prisma/client.ts';
import { isFinal } from './runStatus.ts';

export type ErasureStepName =
  | 'SUPPRESS'
  | 'DELETE_DATA'
  | 'END_RUNS'
  | 'DELETE_FILES'
  | 'DELETE_PROVIDER_FILES';

export interface ErasureStep {
  name: ErasureStepName;
  done: number;
  pending: number;
  /** null while anything is pending. */
  completedAt: Date | null;
  problem: string | null;
}

interface Standing {
  requestedAt: Date;
  dataErasedAt: Date | null;
  tasks: {
    kind: ErasureTaskKind;
    doneAt: Date | null;
    problem: string | null;
    run: { status: TrainingRunStatus; completedAt: Date | null } | null;
  }[];
}

export function stepsOf({ requestedAt, dataErasedAt, tasks }: Standing): ErasureStep[] {
  const runs = tasks.flatMap(({ run }) => run ?? []);
  // Until the data are gone it is not known which files and runs there are.
  const step = (name: ErasureStepName, ends: (Date | null)[], problem: string | null = null): ErasureStep => {
    const done = ends.filter((end) => end !== null);
    const pending = ends.length - done.length + (dataErasedAt === null && name !== 'DELETE_DATA' ? 1 : 0);
    const last = [dataErasedAt ?? requestedAt, ...done].reduce((a, b) => (a > b ? a : b));
    return { name, done: done.length, pending, completedAt: pending === 0 ? last : null, problem };
  };
  const files = (kind: ErasureTaskKind, name: ErasureStepName) => {
    const these = tasks.filter((task) => task.kind === kind);
    const problem = these.find((task) => task.doneAt === null && task.problem !== null)?.problem ?? null;
    return step(
      name,
      these.map(({ doneAt }) => doneAt),
      problem,
    );
  };
  return [
    { name: 'SUPPRESS', done: 1, pending: 0, completedAt: requestedAt, problem: null },
    step('DELETE_DATA', [dataErasedAt]),
    step(
      'END_RUNS',
      runs.map(({ status, completedAt }) => (isFinal(status) ? (completedAt ?? requestedAt) : null)),
    ),
    files('EXPORT_FILES', 'DELETE_FILES'),
    files('PROVIDER_FILES', 'DELETE_PROVIDER_FILES'),
  ];
}
