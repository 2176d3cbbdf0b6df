import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPersonalData } from '../../src/services/personalData/find.ts';
import { PERSONAL_DATA_KINDS } from '../../src/services/personalData/kinds.ts';
import { placeholder } from '../../src/services/personalData/placeholders.ts';
import { redactTexts } from '../../src/services/personalData/redact.ts';
import { searchStored } from '../../src/services/personalData/storedText.ts';
import { createWork } from '../../src/services/personalData/work.ts';
import { readCorpus } from './corpus.ts';

const corpus = readCorpus();
const redacted = (...texts: string[]) => redactTexts(texts).texts;

describe('an answer is known by the question before it', () => {
  test('a name, a date of birth, a postcode', () => {
    expect(
      redacted(
        'What is your name, please?',
        'Kalea Belanus.',
        'and what is your date of birth',
        'sure the third of april nineteen seventy seven',
        'And the zip code?',
        'nine four one one oh',
      ),
    ).toEqual([
      'What is your name, please?',
      '[NAME_1].',
      'and what is your date of birth',
      'sure [BIRTH_DATE_1]',
      'And the zip code?',
      '[ADDRESS_1]',
    ]);
  });

  test('and what is no answer stays', () => {
    const talk = [
      'What is your name?',
      'I told you that already.',
      'And what is the name of the restaurant?',
      'Olive Garden, in Oakland.',
      'who is calling?',
      'this is important',
    ];
    expect(redacted(...talk)).toEqual(talk);
  });
});

describe('the same has the same placeholder within a conversation', () => {
  test('a person, however called', () => {
    expect(
      redacted(
        'My name is Maria Lopez.',
        'Thanks Maria, one moment. Ms Lopez, are you there?',
        'Yes. My husband Giovanni is here too.',
        'Hello Giovanni.',
      ),
    ).toEqual([
      'My name is [NAME_1].',
      'Thanks [NAME_1], one moment. Ms [NAME_1], are you there?',
      'Yes. My husband [NAME_2] is here too.',
      'Hello [NAME_2].',
    ]);
  });

  test('two people who share a name are two, and the shared name alone is neither', () => {
    expect(redacted('This is Maria Lopez.', 'And this is Juan Lopez.', 'Mr Lopez?')).toEqual([
      'This is [NAME_1].',
      'And this is [NAME_2].',
      'Mr [NAME_3]?',
    ]);
  });

  test('a number or an address, written or said', () => {
    expect(
      redacted(
        'my number is four one five five five five oh one three two',
        'So (415) 555-0132? And the other, 415-555-0133?',
        'yes, mail john dot smith at example dot com',
        'john.smith@example.com, done',
      ),
    ).toEqual([
      'my number is [PHONE_1]',
      'So [PHONE_1]? And the other, [PHONE_2]?',
      'yes, mail [EMAIL_1]',
      '[EMAIL_1], done',
    ]);
  });

  test('a rare name wherever it comes again, and without capital letters', () => {
    expect(
      redacted(
        'my name is kalea belanus and i live in washington',
        'so belanus, with a b? where to, kalea?',
        '{"customer":"kalea belanus","seat":"12a"}',
      ),
    ).toEqual([
      'my name is [NAME_1] and i live in washington',
      'so [NAME_1], with a b? where to, [NAME_1]?',
      '{"customer":"[NAME_1]","seat":"12a"}',
    ]);
  });

  test('numbers go on after placeholders that are there already', () => {
    expect(redacted('[NAME_4] called. My name is Maria Lopez.')).toEqual([
      '[NAME_4] called. My name is [NAME_5].',
    ]);
  });
});

test('JSON stays JSON, and what its escapes hide is found', () => {
  const json = String.raw`{"mail":"ana\u0040example.com", "phone": 4155550132, "n": 12345678901234567890, "note":"call \"Maria Lopez\""}`;
  const [text = ''] = redacted(json);
  expect(text).toBe(
    String.raw`{"mail":"[EMAIL_1]", "phone": "[PHONE_1]", "n": 12345678901234567890, "note":"call \"[NAME_1]\""}`,
  );
  expect(JSON.parse(text)).toMatchObject({ mail: '[EMAIL_1]', phone: '[PHONE_1]' });
});

test('placeholders are no findings, whatever stands around them', () => {
  for (const kind of PERSONAL_DATA_KINDS) {
    for (const text of [
      `my name is ${placeholder(kind, 1)}`,
      `Mr ${placeholder(kind, 2)}, born ${placeholder(kind, 3)}, 12 ${placeholder(kind, 4)} street`,
    ]) {
      expect(searchStored(text)).toEqual([]);
    }
  }
});

test('of the labelled lines nothing is found once they are redacted', () => {
  for (const { text } of corpus) expect(redacted(text).flatMap((one) => searchStored(one))).toEqual([]);
});

test('conversations of any lines: nothing is left, and the same gives the same', () => {
  const lines = fc.array(fc.constantFrom(...corpus.map(({ text }) => text)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(lines, (texts) => {
      const once = redactTexts(texts);
      expect(once.texts.flatMap((text) => searchStored(text))).toEqual([]);
      expect(redactTexts(texts)).toEqual(once);
      expect(redactTexts(once.texts).texts).toEqual(once.texts);
    }),
    { numRuns: 100 },
  );
});

test('any JSON stays JSON and loses nothing else', () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constantFrom('ana@example.com', 'Maria Lopez', '415-555-0132', 'a"b\\c\n'),
  );
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), value)), (content) => {
      const [text = ''] = redacted(JSON.stringify(content));
      expect(Array.isArray(JSON.parse(text))).toBe(true);
      const untouched = searchStored(JSON.stringify(content)).length === 0;
      expect(text === JSON.stringify(content)).toBe(untouched);
    }),
    { numRuns: 200 },
  );
});

test('a line is searched as its reader decodes it', () => {
  const work = createWork();
  const line = `{"messages":[{"role":"user","content":"ana\\u0040example.com"}]}`;
  expect(findPersonalData(line)).toEqual([]);
  expect(work.inspect(line)).toEqual({ counts: { EMAIL: 1 }, path: '.messages[0].content'.slice(1) });
  expect(work.inspect('{"messages":[{"role":"user","content":"[EMAIL_1]"}]}')).toBeNull();
  expect(work.inspect('1,"he said ""ana@example.com"""\r\n')).toMatchObject({ counts: { EMAIL: 1 } });
});
