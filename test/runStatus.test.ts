import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adoptedStatus, isFinal, nextStatus } from '../src/services/runStatus.ts';
import type { JobStatus } from '../src/services/providers/port.ts';
import type { TrainingRunStatus } from '../src/generated/prisma/client.ts';

const ORDER: Record<TrainingRunStatus, number> = {
  PREPARING: 0,
  NEEDS_REVIEW: 0,
  VALIDATING_FILES: 1,
  QUEUED: 2,
  RUNNING: 3,
  PAUSED: 3,
  SUCCEEDED: 4,
  FAILED: 4,
  CANCELLED: 4,
};
const REPORTS: JobStatus[] = [
  'VALIDATING_FILES',
  'QUEUED',
  'RUNNING',
  'PAUSED',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
  'UNKNOWN',
];
const reports = fc.array(fc.constantFrom(...REPORTS), { minLength: 1, maxLength: 20 });

test('10,000 shuffled sequences of reports: never back, final stays final, unknown changes nothing', () => {
  fc.assert(
    fc.property(reports, (sequence) => {
      let status: TrainingRunStatus = 'PREPARING';
      return sequence.every((reported) => {
        const before = status;
        status = nextStatus(before, reported);
        const stays = isFinal(before) || reported === 'UNKNOWN';
        // A paused job that resumes is queued again; nothing else goes back.
        const floor = before === 'PAUSED' ? ORDER['QUEUED'] : ORDER[before];
        return ORDER[status] >= floor && (status === before || (status === reported && !stays));
      });
    }),
    { numRuns: 10_000 },
  );
});

test('the ordinary way is followed step by step', () => {
  const way: JobStatus[] = [
    'VALIDATING_FILES',
    'QUEUED',
    'RUNNING',
    'PAUSED',
    'QUEUED',
    'RUNNING',
    'SUCCEEDED',
  ];
  let status: TrainingRunStatus = 'PREPARING';
  for (const reported of way) {
    status = nextStatus(status, reported);
    expect(status).toBe(reported);
  }
});

test('every end is reached from every state that is not an end', () => {
  const open: TrainingRunStatus[] = [
    'PREPARING',
    'NEEDS_REVIEW',
    'VALIDATING_FILES',
    'QUEUED',
    'RUNNING',
    'PAUSED',
  ];
  for (const status of open) {
    for (const end of ['SUCCEEDED', 'FAILED', 'CANCELLED'] as const)
      expect(nextStatus(status, end)).toBe(end);
  }
});

test('a run that has just got its job is on its way, however far the job has come', () => {
  for (const status of ['PREPARING', 'NEEDS_REVIEW'] as const) {
    for (const reported of REPORTS) {
      const adopted = adoptedStatus(status, reported);
      expect(isFinal(adopted)).toBe(false);
      expect(ORDER[adopted]).toBeGreaterThan(0);
    }
    expect(adoptedStatus(status, 'RUNNING')).toBe('RUNNING');
  }
});
