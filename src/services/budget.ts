/**
 * What a tenant may spend on training in a calendar month (UTC), and what launches it leaves room for.
 *
 * The sandbox charges nobody, and its prices are pretended so that costs can be rehearsed. So there are two ledgers: what
 * is rehearsed is held to the budget by itself, and takes nothing of the real one.
 *
 * Spent is what runs cost that ended in the month. One that ended without a cost counts with the most it was estimated
 * at when a provider may bill it: when it succeeded, or was cancelled after its training had begun. Committed is the
 * most that runs under way may cost, those that wait for a person's look among them.
 */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import { Prisma } from '../generated/prisma/client.ts';
import { recordAudit } from './audit.ts';
import type { Clock } from './clock.ts';
import { BudgetExceededError } from './errors.ts';
import { parseInput } from './input.ts';
import type { Providers } from './providers/port.ts';
import type { Viewer } from './viewer.ts';

/** Whose costs are pretended. */
const REHEARSAL = 'sandbox';

const usdSchema = z
  .number()
  .min(0, 'must not be negative')
  .max(99_999_999, 'must be less than 100 million USD')
  .nullable();

export interface Budget {
  monthlyUsd: Prisma.Decimal | null;
  spentUsd: Prisma.Decimal;
  committedUsd: Prisma.Decimal;
  /** null without a budget; never below 0. */
  remainingUsd: Prisma.Decimal | null;
  /** Runs under way that nothing is known of to commit. */
  unestimatedRuns: number;
  /** `2026-11`. */
  month: string;
  rehearsed: boolean;
}

export type BudgetService = ReturnType<typeof createBudgetService>;

interface Deps {
  db: Pick<Database, 'withTenant'>;
  providers: Pick<Providers, 'default'>;
  clock: Clock;
}

export function createBudgetService({ db, providers, clock }: Deps) {
  return {
    /** Sets the budget, or lifts it with null. Throws InvalidInputError. */
    async setMonthly(viewer: Viewer, usd: number | null): Promise<Budget> {
      const wanted = parseInput(usdSchema, usd, 'input.usd');
      const monthlyBudgetUsd = wanted === null ? null : new Prisma.Decimal(wanted).toDecimalPlaces(6);
      return db.withTenant(viewer.tenantId, async (tx) => {
        const before = await tx.tenant.findUniqueOrThrow({ where: { id: viewer.tenantId } });
        await tx.tenant.updateMany({ where: { id: viewer.tenantId }, data: { monthlyBudgetUsd } });
        await recordAudit(tx, viewer, {
          action: 'SET_MONTHLY_BUDGET',
          subjectType: 'Tenant',
          subjectId: viewer.tenantId,
          detail: {
            usd: monthlyBudgetUsd?.toString() ?? null,
            before: before.monthlyBudgetUsd?.toString() ?? null,
          },
        });
        return budgetOf(tx, viewer, providers.default.name, monthlyBudgetUsd);
      });
    },

    /** How the budget stands, with the default provider's ledger unless another provider is named. */
    async read(viewer: Viewer, provider = providers.default.name): Promise<Budget> {
      return db.withTenant(viewer.tenantId, async (tx) => {
        const { monthlyBudgetUsd } = await tx.tenant.findUniqueOrThrow({ where: { id: viewer.tenantId } });
        return budgetOf(tx, viewer, provider, monthlyBudgetUsd);
      });
    },

    /**
     * Lets launches of the tenant go one after the other until the transaction ends, if there is a budget. The first lock
     * that a launch takes: taken after a dataset's, two launches could wait for each other.
     */
    lock: lockBudget,

    /**
     * Refuses a launch that could pass the budget, in the launch's transaction: until that ends, other launches of the
     * tenant wait, so that no two take the same room. What cannot be estimated could cost anything.
     * Throws BudgetExceededError.
     */
    async requireRoom(
      tx: Tx,
      viewer: Viewer,
      provider: string,
      upperUsd: Prisma.Decimal | null,
    ): Promise<void> {
      const tenant = await lockBudget(tx, viewer);
      if (!tenant) return;
      const budget = await budgetOf(tx, viewer, provider, tenant.monthly);
      const { spentUsd, committedUsd, unestimatedRuns } = budget;
      const known = spentUsd.add(committedUsd).add(upperUsd ?? 0);
      if (upperUsd !== null && unestimatedRuns === 0 && known.lte(tenant.monthly)) return;
      throw new BudgetExceededError(
        {
          monthlyUsd: tenant.monthly.toNumber(),
          spentUsd: spentUsd.toNumber(),
          committedUsd: committedUsd.toNumber(),
          runUpperUsd: upperUsd?.toNumber() ?? null,
        },
        refusal(budget, tenant.monthly, upperUsd),
      );
    },
  };

  async function budgetOf(
    tx: Tx,
    { tenantId }: Viewer,
    provider: string,
    monthlyUsd: Prisma.Decimal | null,
  ): Promise<Budget> {
    const now = clock.now();
    const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
    const to = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
    const rehearsed = provider === REHEARSAL;
    const [sums] = await tx.$queryRaw<
      { spent: Prisma.Decimal; committed: Prisma.Decimal; unestimated: number }[]
    >`
      SELECT
        coalesce(sum(CASE
          WHEN NOT ended THEN 0
          WHEN training_cost_usd IS NOT NULL THEN training_cost_usd
          WHEN status = 'SUCCEEDED' OR (status = 'CANCELLED' AND started_at IS NOT NULL)
            THEN coalesce(estimated_upper_usd, 0)
          ELSE 0 END), 0) AS spent,
        coalesce(sum(estimated_upper_usd) FILTER (WHERE NOT ended), 0) AS committed,
        count(*) FILTER (WHERE NOT ended AND estimated_upper_usd IS NULL)::int AS unestimated
      FROM (
        SELECT *, status IN ('SUCCEEDED', 'FAILED', 'CANCELLED') AS ended FROM finetuning_training_runs
        WHERE tenant_id = ${tenantId}::uuid AND (provider = ${REHEARSAL}) = ${rehearsed}::boolean
      ) AS run
      WHERE NOT ended OR (completed_at >= ${from}::timestamptz AND completed_at < ${to}::timestamptz)`;
    const zero = new Prisma.Decimal(0);
    const [spentUsd, committedUsd] = [sums?.spent ?? zero, sums?.committed ?? zero];
    const left = monthlyUsd?.sub(spentUsd).sub(committedUsd) ?? null;
    return {
      monthlyUsd,
      spentUsd,
      committedUsd,
      remainingUsd: left?.isNegative() ? zero : left,
      unestimatedRuns: sums?.unestimated ?? 0,
      month: from.toISOString().slice(0, 7),
      rehearsed,
    };
  }
}

async function lockBudget(tx: Tx, { tenantId }: Viewer): Promise<{ monthly: Prisma.Decimal } | undefined> {
  // Weaker than FOR UPDATE, which every insert into another table of the tenant would wait for.
  const [tenant] = await tx.$queryRaw<{ monthly: Prisma.Decimal }[]>`
    SELECT monthly_budget_usd AS monthly FROM tenants
    WHERE id = ${tenantId}::uuid AND monthly_budget_usd IS NOT NULL FOR NO KEY UPDATE`;
  return tenant;
}

function refusal(
  { spentUsd, committedUsd, unestimatedRuns, month }: Budget,
  monthly: Prisma.Decimal,
  upper: Prisma.Decimal | null,
): string {
  const figures = `The budget of ${month} is ${usd(monthly)}; ${usd(spentUsd)} are spent and runs under way may cost ${usd(committedUsd)}`;
  if (upper === null) {
    return `${figures}. What this run would cost cannot be estimated, so it could pass the budget: see costEstimate for why, or lift the budget with setMonthlyBudget.`;
  }
  if (unestimatedRuns > 0) {
    return `${figures}, not counting ${unestimatedRuns} that were launched without an estimate. Wait for their end, or lift the budget with setMonthlyBudget.`;
  }
  return `${figures}. This run may cost up to ${usd(upper)}, which could pass it. Give nEpochs to make its bounds one, wait for runs to end, or raise the budget with setMonthlyBudget.`;
}

const usd = (amount: Prisma.Decimal) => `${amount.toFixed(6).replace(/(\.\d\d\d*?)0+$/, '$1')} USD`;
