import type { Budget } from '../services/budget.ts';
import { InvalidInputError } from '../services/errors.ts';
import { builder } from './builder.ts';

const BudgetType = builder.objectRef<Budget>('Budget').implement({
  description:
    'What may be spent on training in a calendar month (UTC), and what has been. A launch that could pass it is refused. The sandbox’s costs are pretended and kept apart: they are held to the same budget, and take nothing of the real one.',
  fields: (t) => ({
    month: t.exposeString('month', { description: 'The month, as YYYY-MM.' }),
    monthlyUsd: t.float({
      nullable: true,
      description: 'What may be spent in a month, in USD; null sets no limit.',
      resolve: ({ monthlyUsd }) => monthlyUsd?.toNumber() ?? null,
    }),
    spentUsd: t.float({
      description:
        'What runs cost that ended in the month, in USD. One without a known cost that a provider may bill counts with its upper estimate.',
      resolve: ({ spentUsd }) => spentUsd.toNumber(),
    }),
    committedUsd: t.float({
      description: 'What runs still under way may cost at the most, in USD.',
      resolve: ({ committedUsd }) => committedUsd.toNumber(),
    }),
    remainingUsd: t.float({
      nullable: true,
      description: 'What is left for new runs, in USD, never less than 0; null without a limit.',
      resolve: ({ remainingUsd }) => remainingUsd?.toNumber() ?? null,
    }),
    unestimatedRuns: t.exposeInt('unestimatedRuns', {
      description:
        'How many runs under way were launched without an estimate. While there are any, nothing more is launched under a budget.',
    }),
    rehearsed: t.exposeBoolean('rehearsed', {
      description: 'Whether these are the sandbox’s pretended costs.',
    }),
  }),
});

builder.queryField('budget', (t) =>
  t.field({
    type: BudgetType,
    description: 'How your monthly budget stands.',
    args: {
      provider: t.arg.string({
        description:
          'Whose costs: `sandbox` for the pretended ones, any other for the real ones; the server’s default provider without it.',
      }),
    },
    resolve: (_root, { provider }, { services, viewer }) =>
      services.budget.read(viewer, provider ?? undefined),
  }),
);

const SetMonthlyBudgetInput = builder.inputType('SetMonthlyBudgetInput', {
  description: 'How much may be spent on training in a month.',
  fields: (t) => ({
    usd: t.float({ description: 'In USD, 0 or more; null lifts the limit.' }),
  }),
});

builder.mutationField('setMonthlyBudget', (t) =>
  t.field({
    type: BudgetType,
    authScopes: { role: 'ADMIN' },
    description:
      'Sets how much may be spent on training in a calendar month (UTC). What is under way goes on. The audit log notes it.',
    errors: { types: [InvalidInputError] },
    args: { input: t.arg({ type: SetMonthlyBudgetInput, required: true, description: 'The new limit.' }) },
    resolve: (_root, { input }, { services, viewer }) =>
      services.budget.setMonthly(viewer, input.usd ?? null),
  }),
);
