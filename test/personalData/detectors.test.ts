import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPersonalData } from '../../src/services/personalData/find.ts';
import { readCorpus, scoreOf, type Line } from './corpus.ts';

const corpus = readCorpus();

function shares(lines: Line[], only: (kind: string) => boolean) {
  const sum = { labels: 0, recalled: 0, findings: 0, right: 0 };
  for (const [kind, score] of scoreOf(lines, findPersonalData)) {
    if (!only(kind)) continue;
    sum.labels += score.labels;
    sum.recalled += score.recalled;
    sum.findings += score.findings;
    sum.right += score.right;
  }
  return { recall: sum.recalled / sum.labels, precision: sum.right / sum.findings };
}

describe('on the labelled lines', () => {
  test('there are at least 300 of them, of every kind', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(300);
    expect(new Set(corpus.flatMap(({ labels }) => labels.map(({ kind }) => kind))).size).toBe(10);
  });

  test.each([
    ['all', corpus],
    ['those held out', corpus.filter(({ heldOut }) => heldOut)],
  ])('%s: recall and precision hold', (_which, lines) => {
    const structured = shares(lines, (kind) => kind !== 'NAME');
    const names = shares(lines, (kind) => kind === 'NAME');
    expect(structured.recall).toBeGreaterThanOrEqual(0.98);
    expect(structured.precision).toBeGreaterThanOrEqual(0.96);
    expect(names.recall).toBeGreaterThanOrEqual(0.9);
    expect(names.precision).toBeGreaterThanOrEqual(0.95);
  });
});

const found = (text: string) =>
  findPersonalData(text).map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`);

test('of findings over each other the surer kind stays', () => {
  expect(found('https://anna:secret@example.com/anna@example.com')).toEqual([
    'SECRET_URL https://anna:secret@example.com/anna@example.com',
  ]);
  expect(found('my phone, no, my card is 4111 1111 1111 1111')).toEqual(['CARD 4111 1111 1111 1111']);
});

test('offsets are UTF-16 code units', () => {
  const text = '😀😀 mail ana@example.com';
  expect(findPersonalData(text)).toEqual([{ kind: 'EMAIL', start: 10, end: 25, rule: 'email.written' }]);
  expect(text.slice(10, 25)).toBe('ana@example.com');
});

test('a date is a finding only where a birth is spoken of', () => {
  expect(found('the tenth of may nineteen ninety is fine')).toEqual([]);
  expect(found('I was born the tenth of may nineteen ninety')).toEqual([
    'BIRTH_DATE the tenth of may nineteen ninety',
  ]);
});

test('a card number with a wrong check digit, and an IBAN with a wrong one, are none', () => {
  expect(found('4111 1111 1111 1112 and DE89 3704 0044 0532 0130 01')).toEqual([]);
});

test('a long text is searched to its end, also where its windows meet', () => {
  const filler = 'nothing to see in this line of the text\n'.repeat(1000);
  const text = `${filler}ana@example.com ${filler}`;
  expect(found(text)).toEqual(['EMAIL ana@example.com']);
  for (let shift = 0; shift < 40; shift += 1) {
    const shifted = `${'x'.repeat(16_360 + shift)} call me at 415-555-0132 now`;
    expect(found(shifted)).toEqual(['PHONE 415-555-0132']);
  }
});

describe('whatever the text', () => {
  const pieces = fc.constantFrom(
    'one',
    'double',
    'triple',
    'oh',
    'at',
    'dot',
    'com',
    '@',
    '.',
    '-',
    '(',
    ')',
    '+',
    ' ',
    ' ',
    '1',
    '555',
    '4111',
    'GB29',
    'a',
    'Maria',
    'my name is',
    'mr',
    'street',
    'de',
    'born',
    'may',
    '://',
    '?token=',
    '&',
    '=',
    'DE89',
    '\n',
    '😀',
    'é',
    '\u0301',
    ':',
    ',',
    "'",
    'hundred',
  );

  test('findings lie within it, in order, none over another', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 60 }), (parts) => {
        const text = parts.join('');
        let end = 0;
        for (const finding of findPersonalData(text)) {
          expect(finding.start).toBeGreaterThanOrEqual(end);
          expect(finding.end).toBeGreaterThan(finding.start);
          ({ end } = finding);
        }
        expect(end).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 300 },
    );
  });

  // One text of 200,000 characters must take no longer than a text twice as long would at a tenth of the usual speed.
  test.each([
    ['digits', '1'],
    ['spaced digits', '1 '],
    ['number words', 'one '],
    ['letters said', 'a b '],
    ['signs', '@'],
    ['mailboxes', 'a@'],
    ['dots', 'a.'],
    ['said dots', 'a dot '],
    ['at dot', 'at dot '],
    ['names', 'Maria '],
    ['particles', 'de la '],
    ['streets', 'street '],
    ['house numbers', '1 x street '],
    ['links', 'http://'],
    ['www', 'www.'],
    ['parameters', '?token&'],
    ['colons', ':'],
    ['hex', 'a:'],
    ['IBAN beginnings', 'GB29'],
    ['births', 'born '],
    ['born dates', 'born may 1 '],
    ['spaces', ' '],
    ['brackets', '('],
    ['pluses', '+1'],
    ['apostrophes', "a'"],
    ['accents', 'é'],
    ['hyphens', 'a-'],
    ['my name is', 'my name is '],
    ['IP', '1.1.'],
    ['rue', 'rue de '],
    ['hundreds', 'nine hundred '],
  ])('a hostile text of %s takes linear time', (_name, piece) => {
    const text = piece.repeat(Math.ceil(200_000 / piece.length));
    const began = performance.now();
    findPersonalData(text);
    expect(performance.now() - began).toBeLessThan(4000);
  });
});
