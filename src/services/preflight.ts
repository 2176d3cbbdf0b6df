/** What a provider would say of a launch before anything is sent to it: every finding, and whether one forbids it. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { BaseModel, Dataset } from '../generated/prisma/client.ts';
import type { BaseModelService, LaunchWarning } from './baseModel.ts';
import { breather } from './breathe.ts';
import { BaseModelUnavailableError, NotFoundError } from './errors.ts';
import type { ExportService } from './export.ts';
import { examplesOfLines } from './exportBlocks.ts';
import type { ExportFile, ReadyExport } from './exportFiles.ts';
import { parseInput } from './input.ts';
import { checkLines, type FileToCheck, type RawLine } from './preflight/checkLines.ts';
import { datasetLines } from './preflight/datasetLines.ts';
import { fileRules } from './preflight/fileRules.ts';
import { collectFindings, type Findings } from './preflight/findings.ts';
import type { Limits, RulePack } from './preflight/pack.ts';
import { packOf } from './preflight/packs.ts';
import { checkPersonalData } from './preflight/personalData.ts';
import { rawLines } from './preflight/rawLines.ts';
import type { Report } from './preflight/rule.ts';
import type { Settings } from './preflight/settings.ts';
import { requireProvider } from './providerChoice.ts';
import type { Providers } from './providers/port.ts';
import { longExamplesOf } from './tokens/longExamples.ts';
import type { Viewer } from './viewer.ts';

/** How many findings may be asked for. */
export const MOST_FINDINGS = 10_000;
/** How many findings a refused launch lists. */
const LAUNCH_FINDINGS = 1000;
/** A launch that answers at once looks at this many examples, and as many bytes; the worker looks at all. */
const LAUNCH_EXAMPLES = 250;
const LAUNCH_BYTES = 1024 * 1024;

/** How a launch exports a dataset. */
const DATASET_FORMAT = 'OPENAI_CHAT_JSONL';

const inputSchema = z
  .object({
    datasetId: z.uuid().nullish(),
    exportId: z.uuid().nullish(),
    provider: z.string().nullish(),
    baseModel: z.string().min(1, 'must name a base model; `baseModels` lists them').max(200),
    first: z.number().int().min(0).max(MOST_FINDINGS),
  })
  .refine(({ datasetId, exportId }) => (datasetId == null) !== (exportId == null), {
    path: ['datasetId'],
    message: 'give either a datasetId or an exportId',
  });

export type PreflightInput = z.input<typeof inputSchema> & Settings;

/** What is to be trained on: an export as it is, or a dataset as it would be exported now. */
type Material = { snapshot: ReadyExport } | { dataset: Dataset };

export type PreflightService = ReturnType<typeof createPreflightService>;

interface Deps {
  db: Pick<Database, 'withTenant'>;
  providers: Providers;
  baseModels: Pick<BaseModelService, 'requireTrainable' | 'find'>;
  exports: Pick<ExportService, 'requireReady' | 'trainingFile' | 'validationFile' | 'openFile'>;
}

/** Each function reads in transactions of its own, so do not call one from within another transaction. */
export function createPreflightService({ db, providers, baseModels, exports }: Deps) {
  return {
    /** Looks at everything. Throws InvalidInputError, NotFoundError. */
    async preflight(viewer: Viewer, input: PreflightInput): Promise<Report> {
      const { datasetId, exportId, provider, baseModel, first } = parseInput(inputSchema, input, 'arguments');
      const pack = packOf(requireProvider(providers, provider, 'provider').name);
      const findings = collectFindings(first);
      const model = await checkBaseModel(pack, baseModel, findings);
      const material = await find(viewer, datasetId, exportId);
      checkSettings(pack, input, findings);
      const checked = await checkAll(material, pack, limitsOf(model, pack), findings);
      await checkPolicy(viewer, material, MOST_FINDINGS, findings);
      return withExamples(viewer, material, findings.report(checked));
    },

    /** Looks at what can be looked at while a launch waits for its answer. The base model is known to be trainable. */
    async ofLaunch(
      viewer: Viewer,
      { dataset, snapshot }: { dataset: Dataset; snapshot: ReadyExport | null },
      model: BaseModel,
      settings: Settings,
    ): Promise<Report> {
      const material = snapshot ? { snapshot } : { dataset };
      const pack = packOf(model.provider);
      const findings = collectFindings(LAUNCH_FINDINGS);
      checkSettings(pack, settings, findings);
      const limits = limitsOf(model, pack);
      const checked = isSmall(material)
        ? await checkAll(material, pack, limits, findings)
        : await checkFacts(viewer, material, pack, limits, findings);
      await checkPolicy(viewer, material, LAUNCH_FINDINGS, findings);
      return withExamples(viewer, material, findings.report(checked));
    },

    /** Looks at every line of an export's file before it is uploaded. */
    async ofUpload(
      viewer: Viewer,
      snapshot: ReadyExport,
      { provider, baseModel }: { provider: string; baseModel: string },
      signal: AbortSignal,
    ): Promise<Report> {
      const pack = packOf(provider);
      const findings = collectFindings(LAUNCH_FINDINGS);
      const model = await baseModels.find(provider, baseModel);
      const checked = await checkAll({ snapshot }, pack, limitsOf(model, pack), findings, signal);
      return withExamples(viewer, { snapshot }, findings.report(checked));
    },
  };

  async function find(
    viewer: Viewer,
    datasetId: string | null | undefined,
    exportId: string | null | undefined,
  ): Promise<Material> {
    if (exportId != null) return { snapshot: await exports.requireReady(viewer, exportId) };
    const { tenantId } = viewer;
    const dataset = await db.withTenant(tenantId, (tx) =>
      tx.dataset.findFirst({ where: { id: datasetId ?? '', tenantId } }),
    );
    if (!dataset) throw new NotFoundError('dataset', datasetId ?? '');
    return { dataset };
  }

  /** The base model, known or not: what a launch would be refused for or warned of is a finding. */
  async function checkBaseModel(pack: RulePack, name: string, findings: Findings): Promise<BaseModel | null> {
    const field = 'baseModel';
    try {
      const { model, warnings } = await baseModels.requireTrainable(pack.provider, name);
      for (const known of warnings) findings.add(warningRule(known), { field });
      return model;
    } catch (error) {
      if (!(error instanceof BaseModelUnavailableError)) throw error;
      findings.add({ name: error.code, severity: 'ERROR', message: error.message }, { field });
      return baseModels.find(pack.provider, name);
    }
  }

  /** Judges every line; returns how many there are. */
  async function checkAll(
    material: Material,
    pack: RulePack,
    limits: Limits,
    findings: Findings,
    signal?: AbortSignal,
  ): Promise<number> {
    const file = { pack, limits, findings };
    if ('dataset' in material) {
      const { dataset } = material;
      const training = { ...file, format: DATASET_FORMAT, part: 'TRAINING' as const };
      return checkFile(training, datasetLines(db, dataset), signal);
    }
    const { snapshot } = material;
    const { format } = snapshot;
    const training = linesOf(exports.trainingFile(snapshot));
    const checked = await checkFile({ ...file, format, part: 'TRAINING' }, training, signal);
    const validation = exports.validationFile(snapshot);
    if (validation === null) return checked;
    const after = { ...file, format, part: 'VALIDATION' as const, linesBefore: checked };
    return checked + (await checkFile(after, linesOf(validation), signal));
  }

  /** An export has been through its dataset's policy. */
  async function checkPolicy(
    { tenantId }: Viewer,
    material: Material,
    most: number,
    findings: Findings,
  ): Promise<void> {
    if ('snapshot' in material) return;
    await db.withTenant(tenantId, (tx) => checkPersonalData(tx, material.dataset, most, findings));
  }

  async function* linesOf(file: ExportFile): AsyncGenerator<RawLine> {
    for await (const bytes of rawLines(exports.openFile(file))) yield { bytes };
  }

  /** What is known without reading the lines: examples were judged when they came in and when they were validated. */
  async function checkFacts(
    { tenantId }: Viewer,
    material: Material,
    pack: RulePack,
    limits: Limits,
    findings: Findings,
  ): Promise<number> {
    const format = 'snapshot' in material ? material.snapshot.format : DATASET_FORMAT;
    const count = 'snapshot' in material ? material.snapshot.exampleCount : material.dataset.validatedCount;
    if (pack.formats[format] === undefined) findings.add(fileRules.formatNotTrained, {}, format);
    else pack.count(count, (rule, field, found) => findings.add(rule, { field }, found));
    if ('snapshot' in material) {
      if (material.snapshot.bytes > limits.maxFileBytes)
        findings.add(fileRules.fileTooLarge, {}, `${material.snapshot.bytes} bytes`);
      return 0;
    }
    const long = await db.withTenant(tenantId, (tx) =>
      longExamplesOf(tx, material.dataset, limits.maxExampleTokens, LAUNCH_FINDINGS),
    );
    for (const { exampleId, tokens } of long)
      findings.add(fileRules.exampleTooLong, { exampleId }, `${tokens} tokens`);
    return 0;
  }

  /** The report with the example of each line that a finding is about. */
  async function withExamples({ tenantId }: Viewer, material: Material, report: Report): Promise<Report> {
    const lines = report.findings.flatMap(({ line, exampleId }) => (exampleId === null ? (line ?? []) : []));
    if (!('snapshot' in material) || lines.length === 0) return report;
    const { snapshot } = material;
    const exampleOf = await db.withTenant(tenantId, (tx) =>
      examplesOfLines(tx, snapshot, [...new Set(lines)]),
    );
    const findings = report.findings.map((finding) =>
      finding.line === null ? finding : { ...finding, exampleId: exampleOf.get(finding.line) ?? null },
    );
    return { ...report, findings };
  }
}

function checkSettings(pack: RulePack, settings: Settings, findings: Findings): void {
  pack.settings(settings, (rule, field, found) => findings.add(rule, { field }, found));
}

function limitsOf(model: BaseModel | null, pack: RulePack): Limits {
  if (model === null) return pack.limits;
  const { minExamples, maxExampleTokens, maxFileBytes } = model;
  return { minExamples, maxExampleTokens, maxFileBytes: Number(maxFileBytes) };
}

function isSmall(material: Material): boolean {
  if ('dataset' in material) return material.dataset.validatedCount <= LAUNCH_EXAMPLES;
  const { exampleCount, bytes } = material.snapshot;
  return exampleCount <= LAUNCH_EXAMPLES && bytes <= LAUNCH_BYTES;
}

const warningRule = ({ code, message }: LaunchWarning) => ({
  name: code,
  severity: 'WARNING' as const,
  message,
});

async function checkFile(
  file: FileToCheck,
  lines: AsyncIterable<RawLine>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const checker = checkLines(file);
  const breathe = breather(signal);
  let bytes = 0;
  for await (const line of lines) {
    await checker.check(line);
    bytes += line.bytes.length + 1;
    await breathe();
  }
  return checker.end(bytes);
}
