/** What the schema says of personal data, of examples, datasets and exports alike. */
import type { PersonalDataCounts } from '../services/exampleScan.ts';
import { PERSONAL_DATA_KINDS, RULES_VERSION, type PersonalDataKind } from '../services/personalData/kinds.ts';
import type { PlacedFinding } from '../services/personalData/work.ts';
import { builder } from './builder.ts';

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
    ALLOW: { description: 'It is exported as it is.' },
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
