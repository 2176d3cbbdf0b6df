/** Keeps a dataset's policy for personal data while its export is written: REDACT rewords lines, BLOCK and REDACT inspect them. */
import { z } from 'zod';
import { PersonalDataFoundError, type ExampleWithPersonalData } from './errors.ts';
import type { ExportLine } from './exportFormats/index.ts';
import type { LineStage, LineWork } from './exportStage.ts';
import { isRecord } from './importFormats/types.ts';
import { addCounts, PERSONAL_DATA_KINDS, RULES_VERSION, type CountByKind } from './personalData/kinds.ts';
import type { PersonalDataSearch } from './personalData/thread.ts';

/** How many examples an error names. */
const MOST_NAMED = 10;

const countsSchema = z.partialRecord(z.enum(PERSONAL_DATA_KINDS), z.number());
const reportSchema = z.object({
  policy: z.enum(['BLOCK', 'REDACT']),
  rulesVersion: z.number(),
  scannedLines: z.number(),
  found: countsSchema,
  replaced: countsSchema,
});

/** What stays with an export. */
export type PersonalDataReport = z.output<typeof reportSchema>;

/** The report as it is kept, back in its shape. */
export function reportOf(json: unknown): PersonalDataReport | null {
  return json === null ? null : reportSchema.parse(json);
}

/** A stage of every export; under ALLOW it does nothing. */
export function personalDataStage(search: PersonalDataSearch): LineStage {
  return ({ personalDataPolicy: policy, systemPrompt }) => {
    if (policy === 'ALLOW') return {};
    const refusal = { counts: {} as CountByKind, lines: 0, examples: [] as ExampleWithPersonalData[] };
    const replaced: CountByKind = {};
    let scannedLines = 0;

    async function reword(line: ExportLine): Promise<ExportLine> {
      const wordings = [line.wording, ...(line.original ? [line.original] : [])].map(
        ({ messages }) => messages,
      );
      const prompt = wordings.some(hasPrompt) ? null : systemPrompt;
      const [redacted] = await search.redact([{ systemPrompt: prompt, wordings }]);
      if (!redacted || Object.keys(redacted.replaced).length === 0) return line;
      addCounts(replaced, redacted.replaced);
      const [messages, original] = redacted.wordings.map((one) =>
        withPrompt(one, prompt, redacted.systemPrompt),
      );
      return {
        ...line,
        wording: { ...line.wording, messages },
        original: line.original && { ...line.original, messages: original },
      };
    }

    const work: LineWork = {
      async inspect(text, { exampleId, line }) {
        scannedLines += 1;
        const [found] = await search.inspect([text]);
        if (!found) return;
        addCounts(refusal.counts, found.counts);
        refusal.lines += 1;
        if (refusal.examples.length < MOST_NAMED) {
          refusal.examples.push({ exampleId, line, path: found.path, counts: { ...found.counts } });
        }
      },
      finish() {
        if (refusal.lines > 0) throw new PersonalDataFoundError(policy, refusal);
        const report: PersonalDataReport = {
          policy,
          rulesVersion: RULES_VERSION,
          scannedLines,
          found: refusal.counts,
          replaced,
        };
        return { personalDataReport: report };
      },
    };
    return policy === 'REDACT' ? { ...work, reword } : work;
  };
}

/** The prompt is the export's own. Where it was redacted, the line says it itself, which the formats let stand. */
function withPrompt(messages: unknown, prompt: string | null, redacted: string | null): unknown {
  if (redacted === prompt || !redacted || !Array.isArray(messages)) return messages;
  return [{ role: 'system', content: redacted }, ...messages];
}

/** Whether the messages begin with a system message of their own, so that the export's does not go before them. */
function hasPrompt(messages: unknown): boolean {
  const [first]: unknown[] = Array.isArray(messages) ? messages : [];
  return isRecord(first) && first['role'] === 'system';
}
