/** The files that an erasure deletes outside of the database. Whatever is done twice does no harm. */
import type { Database } from '../db/database.ts';
import type { ErasureTask } from '../generated/prisma/client.ts';
import { recordAudit } from './audit.ts';
import { deadline, REQUEST_TIMEOUT } from './deadline.ts';
import { ExpectedError, ProviderError } from './errors.ts';
import { deleteUnneeded } from './exportFileKeeping.ts';
import { filesOf } from './exportFiles.ts';
import type { ExportStore } from './exportStore/port.ts';
import { configuredProvider } from './providerChoice.ts';
import type { Providers } from './providers/port.ts';
import { trainingFileName, validationFileName } from './runFiles.ts';
import { isFinal } from './runStatus.ts';
import type { Viewer } from './viewer.ts';

/** How long until what is not over is looked at again, in milliseconds. */
const WAIT = 2_000;
/** After a failure the wait doubles from the first to the last, in milliseconds. */
const FIRST_BACKOFF = 2_000;
const LAST_BACKOFF = 5 * 60_000;

/** What came of an attempt: how many files were deleted, and why it is not over yet, if so. */
export interface Attempt {
  files: number;
  waitingFor: string | null;
}

export function createErasureFiles({
  db,
  store,
  providers,
}: {
  db: Pick<Database, 'withTenant'>;
  store: Pick<ExportStore, 'size' | 'delete'>;
  providers: Providers;
}) {
  return {
    /** Does what the task says. Throws ProviderError, and what the store throws. */
    attempt(viewer: Viewer, task: ErasureTask, signal: AbortSignal): Promise<Attempt> {
      return task.runId === null
        ? deleteExportFiles(viewer, task)
        : deleteProviderFiles(viewer, task, task.runId, signal);
    },
  };

  async function deleteExportFiles({ tenantId }: Viewer, { exportId }: ErasureTask): Promise<Attempt> {
    const found = await db.withTenant(tenantId, (tx) =>
      tx.export.findFirst({ where: { id: exportId, tenantId } }),
    );
    if (!found) return { files: 0, waitingFor: null };
    if (found.state !== 'READY') return { files: 0, waitingFor: 'The export is still being written.' };
    let files = 0;
    // Of two files of an export one may hold nothing of the caller, and be another export's too.
    for (const file of filesOf(found)) if (await deleteUnneeded({ db, store }, tenantId, file)) files += 1;
    return { files, waitingFor: null };
  }

  async function deleteProviderFiles(
    { tenantId }: Viewer,
    { settlesAt }: ErasureTask,
    runId: string,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const run = await db.withTenant(tenantId, (tx) =>
      tx.trainingRun.findFirst({ where: { id: runId, tenantId } }),
    );
    if (!run) return { files: 0, waitingFor: null };
    const lost = `This server has no access to ${run.provider}. Configure it, and the files are deleted.`;
    const provider = configuredProvider(providers, run.provider, lost);
    const ids = new Set([run.trainingFileId, run.validationFileId].filter((id) => id !== null));
    let files = 0;
    for (const name of [trainingFileName(run), validationFileName(run)]) {
      for (const file of await provider.findFiles(name, deadline(signal, REQUEST_TIMEOUT))) {
        await provider.deleteFile(file.id, deadline(signal, REQUEST_TIMEOUT));
        ids.delete(file.id);
        files += 1;
      }
    }
    // A provider's list may lag behind; a file that is not there is no error.
    for (const id of ids) await provider.deleteFile(id, deadline(signal, REQUEST_TIMEOUT));
    if (!isFinal(run.status)) return { files, waitingFor: 'The training run has not ended yet.' };
    const isSettled = settlesAt <= new Date();
    return { files, waitingFor: isSettled ? null : 'A file may still be on its way to the provider.' };
  }
}

/** Notes what came of an attempt. Returns whether the task is done. */
export async function noteAttempt(
  db: Pick<Database, 'withTenant'>,
  viewer: Viewer,
  task: ErasureTask,
  { files, waitingFor }: Attempt,
): Promise<boolean> {
  const { tenantId } = viewer;
  const isDone = waitingFor === null;
  await db.withTenant(tenantId, async (tx) => {
    const { count } = await tx.erasureTask.updateMany({
      where: { id: task.id, tenantId, doneAt: null },
      data: {
        files: { increment: files },
        problem: waitingFor,
        ...(isDone ? { doneAt: new Date() } : { nextAttemptAt: new Date(Date.now() + WAIT) }),
      },
    });
    if (count === 0 || !isDone) return;
    if (task.runId === null) {
      await tx.export.updateMany({
        where: { id: task.exportId, tenantId, filesDeletedAt: null },
        data: { filesDeletedAt: new Date() },
      });
    }
    await recordAudit(tx, viewer, {
      action: task.runId === null ? 'DELETE_EXPORT_FILES' : 'DELETE_PROVIDER_FILES',
      subjectType: task.runId === null ? 'Export' : 'TrainingRun',
      subjectId: task.runId ?? task.exportId,
      detail: { erasureId: task.erasureId, files: task.files + files },
    });
  });
  return isDone;
}

/** Notes why an attempt failed, and when to try again. */
export async function postpone(
  db: Pick<Database, 'withTenant'>,
  { tenantId }: Viewer,
  { id, attempts }: ErasureTask,
  error: unknown,
): Promise<void> {
  const asked = error instanceof ProviderError ? error.retryAfterSeconds : null;
  const wait = asked === null ? Math.min(LAST_BACKOFF, FIRST_BACKOFF * 2 ** attempts) : asked * 1000;
  const problem =
    error instanceof ExpectedError
      ? error.message
      : 'Something unexpected went wrong; the server log has it.';
  await db.withTenant(tenantId, (tx) =>
    tx.erasureTask.updateMany({
      where: { id, tenantId, doneAt: null },
      data: { problem, attempts: attempts + 1, nextAttemptAt: new Date(Date.now() + wait) },
    }),
  );
}
