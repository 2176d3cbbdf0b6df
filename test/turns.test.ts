import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BUILT_IN_LABELS,
  MAX_EXTRA_LABELS,
  type Speaker,
  type Turn,
  checkLabels,
  createSpeakerReader,
  joinTurns,
  spanTurns,
} from '../src/services/turns.ts';

const { speakerOf, readTranscript } = createSpeakerReader();
const caller = (text: string): Turn => ({ speaker: 'caller', text });
const agent = (text: string): Turn => ({ speaker: 'agent', text });

/** All words of a list of texts. */
const wordsOf = (list: readonly { text: string }[]): string[] =>
  list.flatMap(({ text }) => text.trim().split(/\s+/)).filter((word) => word !== '');

describe('speakerOf', () => {
  it.each(['caller', 'customer', 'client', 'user', 'patient'])(
    'knows %s as the caller, in any case',
    (label) => {
      expect([label, label.toUpperCase(), ` ${label}\t`].map(speakerOf)).toEqual([
        'caller',
        'caller',
        'caller',
      ]);
    },
  );

  it.each(['agent', 'assistant', 'ai', 'bot', 'representative', 'rep', 'operator'])(
    'knows %s as the agent, in any case',
    (label) => {
      expect([label, label.toUpperCase(), ` ${label}\t`].map(speakerOf)).toEqual(['agent', 'agent', 'agent']);
    },
  );

  it.each(['', 'constructor', '__proto__', 'toString', 'agents', 'Note'])('knows no %j', (label) => {
    expect(speakerOf(label)).toBeNull();
  });

  it('adds extra labels to the built-in ones', () => {
    const reader = createSpeakerReader({
      caller: [' Kundin ', 'Straße'],
      agent: ['Call  Center', '客服', 'E\u{301}lise'],
    });
    expect(['kundin', 'KUNDIN', 'STRASSE', 'Customer'].map(reader.speakerOf)).toEqual(
      Array(4).fill('caller'),
    );
    expect(['call center', 'CALL CENTER', '客服', 'élise', 'bot'].map(reader.speakerOf)).toEqual(
      Array(5).fill('agent'),
    );
    expect(reader.labels.agent).toContain('客服');
    expect(reader.labels.caller).toEqual([...BUILT_IN_LABELS.caller, 'Kundin', 'Straße']);
  });
});

describe('checkLabels', () => {
  it('finds nothing wrong with sound labels, nor with a label given twice for one side', () => {
    expect(checkLabels({ caller: [], agent: [] })).toBeNull();
    expect(checkLabels({ caller: ['Kunde', 'kunde', 'caller'], agent: ['Team Nord'] })).toBeNull();
  });

  it.each([
    [
      { caller: ['Bob'], agent: ['bob '] },
      'The speaker label "bob" stands for both the caller and the agent.',
    ],
    [{ caller: ['Agent'], agent: [] }, 'The speaker label "Agent" stands for both the caller and the agent.'],
    [{ caller: [], agent: ['  '] }, 'A speaker label must not be empty.'],
    [{ caller: [], agent: ['a:b'] }, 'The speaker label "a:b" must not hold a colon or a line break.'],
    [
      { caller: ['x'.repeat(101)], agent: [] },
      `The speaker label "${'x'.repeat(100)}"… is longer than 100 characters.`,
    ],
    [
      { caller: Array<string>(MAX_EXTRA_LABELS + 1).fill('x'), agent: [] },
      'At most 100 extra caller labels are allowed, not 101.',
    ],
  ])('says what is wrong (%#)', (extra, message) => {
    expect(checkLabels(extra)).toBe(message);
    expect(() => createSpeakerReader(extra)).toThrow(new RangeError(message));
  });
});

describe('readTranscript', () => {
  it.each<[string, string, Turn[]]>([
    ['labels at the start of lines', 'Customer: Hi.\nAgent: Hello!', [caller('Hi.'), agent('Hello!')]],
    ['CRLF and CR', 'Customer: a\r\nAgent: b\rUser:c', [caller('a'), agent('b'), caller('c')]],
    ['spaces around the label', '  CUSTOMER  :  a  \n\tbot:b', [caller('a'), agent('b')]],
    ['continuation lines', 'Agent: one\n  two  \n\nthree', [agent('one two three')]],
    ['a label alone on its line', 'Agent:\nwords', [agent('words')]],
    ['empty turns dropped', 'Agent: \nCustomer:\nAgent: x\nCustomer:  ', [agent('x')]],
    ['turns of one side kept apart', 'Agent: a\nAgent: b', [agent('a'), agent('b')]],
    ['unknown labels as text', 'Agent: a\nNote: x\n12:30 pm', [agent('a Note: x 12:30 pm')]],
    [
      'keys of prototypes as text',
      'User: a\nconstructor: b\n__proto__: c',
      [caller('a constructor: b __proto__: c')],
    ],
    ['a colon later in the line', 'Agent: at 12:30: come', [agent('at 12:30: come')]],
    ['a label within a line as text', 'Agent: say\nto the agent: no', [agent('say to the agent: no')]],
    ['lines before the first label', 'Recorded 1 May\nAgent: a', [agent('a')]],
    ['no label at all', 'just words\nNote: more', []],
    ['nothing', '', []],
  ])('reads %s', (_what, text, turns) => {
    expect(readTranscript(text)).toEqual(turns);
  });

  it('reads extra labels of several words', () => {
    const reader = createSpeakerReader({ caller: [], agent: ['Call Center'] });
    expect(reader.readTranscript('call center : hi\nCenter: x')).toEqual([agent('hi Center: x')]);
  });

  it('takes long lines of spaces, colons and label-like text', () => {
    const long = `${' '.repeat(1_000_000)}x${':'.repeat(1_000_000)}${'agent '.repeat(100_000)}`;
    expect(readTranscript(`Agent: a\n${long}`)).toEqual([agent(`a ${long.trim()}`)]);
  });

  it('gives back what was written', () => {
    const word = fc.stringMatching(/^[a-z0-9é😀,.?]{1,8}$/u);
    const said = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(' '));
    const turn = fc.record({ speaker: fc.constantFrom<Speaker>('caller', 'agent'), text: said });
    fc.assert(
      fc.property(fc.array(turn), fc.constantFrom('\n', '\r\n', '\r'), (turns, end) => {
        const text = turns.map((one) => `${one.speaker}: ${one.text.replaceAll(' ', end)}`).join(end);
        expect(readTranscript(text)).toEqual(turns);
      }),
    );
  });
});

describe('joinTurns', () => {
  it('joins neighbours of one side with a single space, each trimmed; empty ones vanish', () => {
    expect(
      joinTurns([caller(' a '), caller('\u{A0}b\n'), agent(' '), caller('c'), agent('d'), caller('')]),
    ).toEqual([caller('a b c'), agent('d')]);
    expect(joinTurns([])).toEqual([]);
  });

  it('is told which turns a block came from', () => {
    expect(spanTurns([agent(' '), caller('a'), agent(''), caller('b'), caller(' '), agent('c')])).toEqual([
      { speaker: 'caller', text: 'a b', firstTurn: 1, lastTurn: 3 },
      { speaker: 'agent', text: 'c', firstTurn: 5, lastTurn: 5 },
    ]);
  });

  it('is idempotent, alternates sides and loses no words', () => {
    const turn = fc.record({
      speaker: fc.constantFrom<Speaker>('caller', 'agent'),
      text: fc.oneof(fc.string(), fc.constantFrom('', ' ', ' x ', '\n')),
    });
    fc.assert(
      fc.property(fc.array(turn), (turns) => {
        const blocks = joinTurns(turns);
        expect(joinTurns(blocks)).toEqual(blocks);
        expect(blocks.every((block, index) => block.speaker !== blocks[index + 1]?.speaker)).toBe(true);
        expect(wordsOf(blocks)).toEqual(wordsOf(turns));
      }),
    );
  });
});
