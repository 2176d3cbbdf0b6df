/** What the schema says of personal data, of examples, datasets and exports alike. */
import type { PersonalDataCounts } from '../services/exampleScan.ts';
import { PersonalDataFoundError, type ExampleWithPersonalData } from '../services/errors.ts';
import type { PersonalDataReport } from '../services/exportPersonalData.ts';
import { PERSONAL_DATA_KINDS, RULES_VERSION, type PersonalDataKind } from '../services/personalData/kinds.ts';
import type { PlacedFinding } from '../services/personalData/work.ts';
import { encodeGlobalID } from '@pothos/plugin-relay';
import { builder } from './builder.ts';
import { ErrorInterface } from './errors.ts';

const KIND_DESCRIPTIONS: Record<PersonalDataKind, string> = {
  SECRET_URL: 'A link that lets in whoever has it: with a token, a signature or a password.',
  EMAIL: 'An e-mail address, written or said.',
  IBAN: 'A bank account by its IBAN, with the right check digits.',
  CARD: 'A payment card’s number, with the right check digit.',
  NATIONAL_ID: 'A number that a state gave to a person, such as a social security number.',
  IP_ADDRESS: 'A computer’s address.',
  BIRTH_DATE: 'A date where a birth is spoken of.',
  PHONE: 'A telephone number, written or said.',
  ADDRESS: 'A street with a house number, a postcode or a post office box.',
  NAME: 'A person’s name.',
};

export const PersonalDataKindEnum = builder.enumType('PersonalDataKind', {
  description: 'What may tell who somebody is.',
  values: Object.fromEntries(
    PERSONAL_DATA_KINDS.map((kind) => [kind, { description: KIND_DESCRIPTIONS[kind] }]),
  ) as Record<PersonalDataKind, { description: string }>,
});

export const PersonalDataPolicy = builder.enumType('PersonalDataPolicy', {
  description: 'What exports of a dataset do about personal data that is found.',
  values: {
    BLOCK: { description: 'An export with findings is refused.' },
    REDACT: {
      description:
        'Placeholders such as [NAME_1] stand in the place of findings; the same person has the same one within a conversation. The examples themselves stay.',
    },
    ALLOW: { description: 'It is exported as it is, with a report on what is known of it.' },
  } as const,
});

export const PersonalDataFindingType = builder
  .objectRef<PlacedFinding & { text: string }>('PersonalDataFinding')
  .implement({
    description: 'Something in an example that may tell who somebody is.',
    fields: (t) => ({
      kind: t.field({ type: PersonalDataKindEnum, description: 'What it is.', resolve: ({ kind }) => kind }),
      path: t.exposeString('path', {
        description: 'The text that it is in, such as `messages[1].content`.',
      }),
      start: t.exposeInt('start', { description: 'Where it begins in that text, in UTF-16 code units.' }),
      end: t.exposeInt('end', { description: 'Where it ends: the code unit after its last.' }),
      rule: t.exposeString('rule', { description: 'Which rule found it, such as `card.luhn`.' }),
      text: t.exposeString('text', { description: 'What stands there.' }),
    }),
  });

export const ExampleScanType = builder
  .objectRef<{ rules: number; scannedAt: Date | null }>('ExampleScan')
  .implement({
    description: 'Whether an example’s present wording was searched for personal data.',
    fields: (t) => ({
      state: t.field({
        type: builder.enumType('ExampleScanState', {
          description: 'How far the search is.',
          values: {
            PENDING: {
              description: 'It waits: nothing is known yet of this wording, or the rules have changed.',
            },
            SCANNED: { description: 'It was searched by the present rules.' },
          } as const,
        }),
        description: 'Whether it was searched yet.',
        resolve: ({ rules }) => (rules === RULES_VERSION ? 'SCANNED' : 'PENDING'),
      }),
      rulesVersion: t.int({
        nullable: true,
        description: 'By which version of the rules; null while it waits.',
        resolve: ({ rules }) => rules || null,
      }),
      scannedAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When; null while it waits.',
        resolve: ({ scannedAt }) => scannedAt,
      }),
    }),
  });

const KindExamples = builder
  .objectRef<{ kind: PersonalDataKind; examples: number }>('PersonalDataKindExamples')
  .implement({
    description: 'In how many examples a kind of personal data was found.',
    fields: (t) => ({
      kind: t.field({
        type: PersonalDataKindEnum,
        description: 'What was found in these examples.',
        resolve: ({ kind }) => kind,
      }),
      examples: t.exposeInt('examples', { description: 'How many examples hold it.' }),
    }),
  });

export const PersonalDataCountsType = builder.objectRef<PersonalDataCounts>('PersonalDataCounts').implement({
  description: 'What is known of the personal data in a dataset.',
  fields: (t) => ({
    scanned: t.exposeInt('scanned', {
      description: 'How many examples were searched in their present wording.',
    }),
    unscanned: t.exposeInt('unscanned', { description: 'How many examples wait to be searched.' }),
    examplesWithFindings: t.exposeInt('examplesWithFindings', {
      description: 'How many of those searched hold findings.',
    }),
    byKind: t.field({
      type: [KindExamples],
      description: 'The kinds that were found; an example counts once for each kind that it holds.',
      resolve: ({ byKind }) => byKind,
    }),
  }),
});

const KindCount = builder
  .objectRef<{ kind: PersonalDataKind; count: number }>('PersonalDataKindCount')
  .implement({
    description: 'How often a kind of personal data was found.',
    fields: (t) => ({
      kind: t.field({
        type: PersonalDataKindEnum,
        description: 'What was found.',
        resolve: ({ kind }) => kind,
      }),
      count: t.exposeInt('count', { description: 'How many findings of it there are.' }),
    }),
  });

function listed(counts: Record<string, number>): { kind: PersonalDataKind; count: number }[] {
  return PERSONAL_DATA_KINDS.flatMap((kind) => (counts[kind] ? [{ kind, count: counts[kind] }] : []));
}

export const PersonalDataReportType = builder.objectRef<PersonalDataReport>('PersonalDataReport').implement({
  description: 'What became of personal data when an export was written.',
  fields: (t) => ({
    policy: t.field({
      type: PersonalDataPolicy,
      description: 'The policy that was kept.',
      resolve: ({ policy }) => policy,
    }),
    rulesVersion: t.exposeInt('rulesVersion', { description: 'Which version of the rules searched.' }),
    basis: t.field({
      type: builder.enumType('PersonalDataReportBasis', {
        description: 'What a report on an export is made of.',
        values: {
          LINES: {
            description:
              'Every line was searched as it stands in the files, before these were stored: under BLOCK and REDACT.',
          },
          EXAMPLES: {
            description:
              'What the searches of the examples, in the wording that was exported, had found by then: under ALLOW. System prompts, and the first answers of preference pairs, are not in it.',
          },
        } as const,
      }),
      description: 'How the report was made.',
      resolve: ({ basis }) => basis,
    }),
    scannedLines: t.exposeInt('scannedLines', {
      description: 'How many lines were searched: they, or the examples that they hold, as `basis` says.',
    }),
    unscannedLines: t.exposeInt('unscannedLines', {
      description:
        'Of how many lines the examples had not been searched yet, so that nothing is known of them; 0 where lines are searched.',
    }),
    found: t.field({
      type: [KindCount],
      description:
        'What was found in them, of one example at most 500. Under BLOCK and REDACT an export with findings is refused, so this is empty.',
      resolve: ({ found }) => listed(found),
    }),
    replaced: t.field({
      type: [KindCount],
      description: 'What placeholders stand for, system prompts counted with each line that has them.',
      resolve: ({ replaced }) => listed(replaced),
    }),
  }),
});

const FoundExample = builder.objectRef<ExampleWithPersonalData>('ExampleWithPersonalData').implement({
  description: 'An example because of which an export was refused.',
  fields: (t) => ({
    exampleId: t.id({
      description: 'Which example; `example(id)` gives it.',
      resolve: ({ exampleId }) => encodeGlobalID('Example', exampleId),
    }),
    line: t.exposeInt('line', {
      description: 'Which line of the export it would have been, counted from 1.',
    }),
    path: t.exposeString('path', {
      description: 'Where the first finding is, such as `messages[1].content`.',
    }),
    findings: t.field({
      type: [KindCount],
      description: 'What was found in the line.',
      resolve: ({ counts }) => listed(counts),
    }),
  }),
});

builder.objectType(PersonalDataFoundError, {
  name: 'PersonalDataFoundError',
  description: 'The dataset’s policy for personal data forbids the export. Nothing was stored.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    findings: t.field({
      type: [KindCount],
      description: 'What was found in the whole export.',
      resolve: ({ counts }) => listed(counts),
    }),
    lines: t.exposeInt('lines', { description: 'How many lines hold findings.' }),
    examples: t.field({
      type: [FoundExample],
      description: 'The first of these examples, at most 10.',
      resolve: ({ examples }) => examples,
    }),
  }),
});
