/** Erasing a caller: what has to be done is saved before it is done, so that whoever goes on knows what is left. */
import type { Database } from '../db/database.ts';
import type { CallerErasure, ErasureTask, Prisma } from '../generated/prisma/client.ts';
import { recordAudit } from './audit.ts';
import { callerNumber } from './callerNumber.ts';
import { eraseBatch, NewDatasetError, type Erased } from './erasureData.ts';
import { createErasureFiles, noteAttempt, postpone } from './erasureFiles.ts';
import { beginErasure, hashOf, liftErasure, previewErasure, type ErasureCounts } from './erasureRequest.ts';
import { ExpectedError } from './errors.ts';
import type { ExportStore } from './exportStore/port.ts';
import { modelsOfExports } from './lineage.ts';
import type { Providers } from './providers/port.ts';
import { serverViewer, type Viewer } from './viewer.ts';

/** How long the one who asked waits; what is left then goes on in the background. In milliseconds. */
const PATIENCE = 15_000;
/** How long one who works on an erasure has it to themselves, in seconds; long enough for each of its steps. */
const LEASE = 120;
const ERASURES_A_TICK = 20;

export interface ErasureResult extends ErasureCounts {
  /** null when nothing was to be changed. */
  erasure: CallerErasure | null;
}

export type ErasureService = ReturnType<typeof createErasureService>;

export interface ErasureDeps {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  store: Pick<ExportStore, 'size' | 'delete'>;
  providers: Providers;
  /** Told of what is nobody's expected failure. */
  onError: (error: unknown) => void;
}

export function createErasureService({ db, store, providers, onError }: ErasureDeps) {
  const files = createErasureFiles({ db, store, providers });

  return {
    /**
     * Erases a caller: their calls, the examples made from them, and the files that hold those, here and at the
     * providers. Counts are of this request alone; `models` and what is pending are as it stands afterwards.
     * Throws InvalidInputError.
     */
    async erase(viewer: Viewer, phoneNumber: string): Promise<ErasureResult> {
      const begun = await db.withTenant(viewer.tenantId, (tx) => beginErasure(tx, viewer, phoneNumber));
      const before = await standing(viewer, begun.id);
      await advance(viewer, begun, AbortSignal.timeout(PATIENCE));
      const after = await standing(viewer, begun.id);
      const done = (count: keyof Erased) => after.erasure[count] - before.erasure[count];
      return {
        erasure: after.erasure,
        calls: done('calls'),
        examples: done('examples'),
        exports: done('exports'),
        runsCancelled: done('runsCancelled'),
        files: after.files - before.files,
        providerFilesPending: after.providerFilesPending,
        models: after.models,
      };
    },

    /** What `erase` would do. Throws InvalidInputError. */
    async preview(viewer: Viewer, phoneNumber: string): Promise<ErasureResult> {
      const counts = await db.withTenant(viewer.tenantId, (tx) => previewErasure(tx, viewer, phoneNumber));
      return { erasure: null, ...counts };
    },

    /** Lets an erased caller's calls in again. Throws InvalidInputError, CallerNotErasedError. */
    allow: (viewer: Viewer, phoneNumber: string): Promise<CallerErasure> =>
      db.withTenant(viewer.tenantId, (tx) => liftErasure(tx, viewer, phoneNumber)),

    /** The condition that keeps the erasures of one number; without a number, of all. Throws InvalidInputError. */
    async ofNumber(
      viewer: Viewer,
      phoneNumber: string | null | undefined,
    ): Promise<Prisma.CallerErasureWhereInput> {
      if (phoneNumber == null) return {};
      return db.withTenant(viewer.tenantId, async (tx) => ({
        numberHash: await hashOf(tx, await callerNumber(tx, phoneNumber, 'phoneNumber')),
      }));
    },

    /** Goes on with erasures that are not done, of all tenants. Returns how many it took up. */
    async advanceDue(signal: AbortSignal): Promise<number> {
      const due = await db.asSystem((tx) =>
        tx.callerErasure.findMany({
          where: { completedAt: null, nextAttemptAt: { lte: new Date() } },
          orderBy: { nextAttemptAt: 'asc' },
          take: ERASURES_A_TICK,
        }),
      );
      let taken = 0;
      for (const erasure of due) {
        if (signal.aborted) break;
        const worker = serverViewer(erasure.tenantId, 'worker');
        if (await advance(worker, erasure, signal).catch(onError)) taken += 1;
      }
      return taken;
    },
  };

  /** Takes the erasure as far as it goes. False when it is done, or somebody else is at it. */
  async function advance(viewer: Viewer, { id }: CallerErasure, signal: AbortSignal): Promise<boolean> {
    const erasure = await claim(viewer, id);
    if (!erasure) return false;
    if (erasure.dataErasedAt === null) await eraseData(viewer, erasure, signal);
    await deleteFiles(viewer, erasure, signal);
    await conclude(viewer, erasure);
    return true;
  }

  async function claim({ tenantId }: Viewer, id: string): Promise<CallerErasure | null> {
    return db.withTenant(tenantId, async (tx) => {
      const claimed = await tx.$executeRaw`
        UPDATE caller_erasures SET lease_until = now() + make_interval(secs => ${LEASE}::int)
        WHERE id = ${id}::uuid AND tenant_id = ${tenantId}::uuid AND completed_at IS NULL
          AND (lease_until IS NULL OR lease_until < now())`;
      return claimed === 0 ? null : tx.callerErasure.findFirst({ where: { id, tenantId } });
    });
  }

  async function eraseData(viewer: Viewer, erasure: CallerErasure, signal: AbortSignal): Promise<void> {
    const { tenantId } = viewer;
    while (!signal.aborted) {
      const erased = await db
        .withTenant(tenantId, (tx) => eraseBatch(tx, viewer, erasure))
        .catch((error: unknown) => {
          if (error instanceof NewDatasetError) return 'AGAIN' as const;
          throw error;
        });
      if (erased !== null) continue;
      await db.withTenant(tenantId, (tx) =>
        tx.callerErasure.updateMany({
          where: { id: erasure.id, tenantId },
          data: { dataErasedAt: new Date(), number: null },
        }),
      );
      return;
    }
  }

  /** Each file by itself: one that cannot be deleted now does not keep the others. */
  async function deleteFiles(viewer: Viewer, erasure: CallerErasure, signal: AbortSignal): Promise<void> {
    const { tenantId } = viewer;
    const due = await db.withTenant(tenantId, (tx) =>
      tx.erasureTask.findMany({
        where: { tenantId, erasureId: erasure.id, doneAt: null, nextAttemptAt: { lte: new Date() } },
        orderBy: [{ kind: 'asc' }, { id: 'asc' }],
      }),
    );
    for (const task of due) {
      if (signal.aborted) return;
      await deleteFilesOf(viewer, task, signal);
    }
  }

  async function deleteFilesOf(viewer: Viewer, task: ErasureTask, signal: AbortSignal): Promise<void> {
    try {
      await noteAttempt(db, viewer, task, await files.attempt(viewer, task, signal));
    } catch (error) {
      if (!(error instanceof ExpectedError)) onError(error);
      if (!signal.aborted) await postpone(db, viewer, task, error);
    }
  }

  /** Notes that nothing is left, or when to go on. */
  async function conclude(viewer: Viewer, { id }: CallerErasure): Promise<void> {
    const { tenantId } = viewer;
    await db.withTenant(tenantId, async (tx) => {
      const where = { id, tenantId, completedAt: null };
      const erasure = await tx.callerErasure.findFirst({ where });
      const next = await tx.erasureTask.findFirst({
        where: { tenantId, erasureId: id, doneAt: null },
        orderBy: { nextAttemptAt: 'asc' },
      });
      if (erasure === null) return;
      if (next !== null || erasure.dataErasedAt === null) {
        const nextAttemptAt = next?.nextAttemptAt ?? new Date();
        await tx.callerErasure.updateMany({ where, data: { leaseUntil: null, nextAttemptAt } });
        return;
      }
      await tx.callerErasure.updateMany({ where, data: { leaseUntil: null, completedAt: new Date() } });
      const { calls, examples, exports, runsCancelled } = erasure;
      await recordAudit(tx, viewer, {
        action: 'COMPLETE_ERASURE',
        subjectType: 'CallerErasure',
        subjectId: id,
        detail: { calls, examples, exports, runsCancelled },
      });
    });
  }

  /** How far the erasure has got. */
  async function standing({ tenantId }: Viewer, id: string) {
    return db.withTenant(tenantId, async (tx) => {
      const erasure = await tx.callerErasure.findFirstOrThrow({
        where: { id, tenantId },
        include: { tasks: { select: { kind: true, exportId: true, files: true, doneAt: true } } },
      });
      const { tasks, ...row } = erasure;
      const atProviders = tasks.filter(({ kind }) => kind === 'PROVIDER_FILES');
      const here = tasks.filter(({ kind }) => kind === 'EXPORT_FILES');
      const exportIds = here.map(({ exportId }) => exportId);
      return {
        erasure: row,
        files: here.reduce((sum, task) => sum + task.files, 0),
        providerFilesPending: atProviders.filter(({ doneAt }) => doneAt === null).length,
        models: await modelsOfExports(tx, tenantId, exportIds),
      };
    });
  }
}
