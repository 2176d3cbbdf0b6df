import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Example } from '../generated/prisma/client.ts';
import { MOST_FINDINGS } from '../services/preflight.ts';
import { PreflightFailedError } from '../services/errors.ts';
import type { Finding, Report, Total } from '../services/preflight/rule.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { ErrorInterface } from './errors.ts';
import { ExampleNode } from './example.ts';
import { parseOptionalId } from './ids.ts';
import { HyperparametersInput } from './trainingRunMutation.ts';

const PreflightSeverity = builder.enumType('PreflightSeverity', {
  description: 'How grave a finding is.',
  values: {
    ERROR: { description: 'The provider refuses it or would learn something else. A launch is refused.' },
    WARNING: { description: 'The provider takes it, but it is seldom meant so. A launch goes on.' },
    INFO: { description: 'Good to know.' },
  } as const,
});

/** A finding that can load its example together with the examples of those listed beside it. */
interface ListedFinding extends Finding {
  exampleIn: (context: Context, info: GraphQLResolveInfo) => Promise<Example | null>;
}

const PreflightFinding = builder.objectRef<ListedFinding>('PreflightFinding').implement({
  description: 'One thing that the provider would refuse or that is not as it should be.',
  fields: (t) => ({
    severity: t.expose('severity', { type: PreflightSeverity, description: 'How grave it is.' }),
    rule: t.exposeString('rule', { description: 'The rule, as a word that programs can rely on.' }),
    message: t.exposeString('message', { description: 'What is wrong and what to do about it.' }),
    line: t.exposeInt('line', {
      nullable: true,
      description:
        'The line, counted from 1, of the export or of what would be exported; null for what is no line’s.',
    }),
    field: t.exposeString('field', {
      nullable: true,
      description:
        'The key within the line, such as `messages[2].content`, or the argument of the launch; null for neither.',
    }),
    example: t.field({
      type: ExampleNode,
      nullable: true,
      description:
        'The example that the line is made of, as it is now; null for what is no line’s, or erased.',
      resolve: (finding, _args, context, info) => finding.exampleIn(context, info),
    }),
  }),
});

const PreflightTotal = builder.objectRef<Total>('PreflightTotal').implement({
  description: 'How often a rule is broken, in all that was looked at.',
  fields: (t) => ({
    severity: t.expose('severity', { type: PreflightSeverity, description: 'How grave that is.' }),
    rule: t.exposeString('rule', { description: 'Which rule it is.' }),
    count: t.exposeInt('count', { description: 'How many findings there are of it.' }),
  }),
});

const PreflightReport = builder.objectRef<Report>('PreflightReport').implement({
  description: 'What a provider would say of a launch.',
  fields: (t) => ({
    ok: t.exposeBoolean('ok', { description: 'Whether there is no ERROR: a launch would not be refused.' }),
    checked: t.exposeInt('checked', { description: 'How many lines were looked at.' }),
    findings: t.field({
      type: [PreflightFinding],
      description: 'What was found, the gravest first, then by line; no more than `first`.',
      resolve: ({ findings }) => listed(findings),
    }),
    totals: t.expose('totals', {
      type: [PreflightTotal],
      description: 'All findings counted by severity and rule, also those that are not listed.',
    }),
  }),
});

builder.objectType(PreflightFailedError, {
  name: 'PreflightFailedError',
  description: 'The provider would refuse it, or learn something else. Nothing was sent and nothing is paid.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    findings: t.field({
      type: [PreflightFinding],
      description: 'What was found, the gravest first; at most 1,000. `preflight` lists more.',
      resolve: ({ findings }) => listed(findings),
    }),
    totals: t.expose('totals', {
      type: [PreflightTotal],
      description: 'All findings counted by severity and rule.',
    }),
  }),
});

/** The first that is asked for its example loads those of all, once for each way in which examples are asked for. */
function listed(findings: readonly Finding[]): ListedFinding[] {
  const ids = [...new Set(findings.flatMap(({ exampleId }) => exampleId ?? []))];
  const loads = new Map<string | number, Promise<Map<string, Example>>>();

  async function load(context: Context, info: GraphQLResolveInfo): Promise<Map<string, Example>> {
    const { db, viewer } = context;
    const query = queryFromInfo({ context, info, typeName: 'Example', include: {} });
    const examples = await db.example.findMany({
      ...query,
      where: { tenantId: viewer.tenantId, id: { in: ids } },
    });
    return new Map(examples.map((example) => [example.id, example]));
  }

  return findings.map((finding) => ({
    ...finding,
    async exampleIn(context, info) {
      if (finding.exampleId === null) return null;
      const loading = loads.get(info.path.key) ?? load(context, info);
      loads.set(info.path.key, loading);
      return (await loading).get(finding.exampleId) ?? null;
    },
  }));
}

builder.queryField('preflight', (t) =>
  t.field({
    type: PreflightReport,
    description:
      'Between step 3 and 4: every finding of the provider’s rules in a dataset’s validated examples or in an export. Looks at every line, so large datasets take some seconds.',
    args: {
      datasetId: t.arg.id({
        description: 'The dataset, as it would be exported now. Give this or `exportId`.',
      }),
      exportId: t.arg.id({ description: 'The export, as it is. Give this or `datasetId`.' }),
      provider: t.arg.string({
        description: 'Whose rules; `providers` lists them. The server’s default when left out.',
      }),
      baseModel: t.arg.string({
        required: true,
        description: 'The model to tune, whose limits count. An undated name means the latest dated one.',
      }),
      suffix: t.arg.string({ description: 'Also look at this suffix, as a launch would be given it.' }),
      seed: t.arg.int({ description: 'Also look at this seed.' }),
      hyperparameters: t.arg({ type: HyperparametersInput, description: 'Also look at these.' }),
      first: t.arg.int({
        required: true,
        defaultValue: 1000,
        description: `How many findings to list, 0 to ${MOST_FINDINGS}.`,
      }),
    },
    resolve: (_root, { datasetId, exportId, ...input }, { services, viewer }) =>
      services.preflight.preflight(viewer, {
        ...input,
        datasetId: parseOptionalId('Dataset', datasetId, 'datasetId'),
        exportId: parseOptionalId('Export', exportId, 'exportId'),
      }),
  }),
);
