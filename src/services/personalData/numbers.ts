/** Numbers, written or said, as runs of pieces: "(212) 555 oh one 43" is one run. */
import { spokenDigits } from './spoken.ts';
import { isLetter, type Word } from './words.ts';

export interface Piece {
  start: number;
  end: number;
  /** Digits, or one letter in upper case. */
  text: string;
  spoken: boolean;
  letter: boolean;
}

export interface NumberRun {
  pieces: Piece[];
  start: number;
  end: number;
  /** What the pieces say together. */
  digits: string;
  /** Whether any of it was said in words. */
  spoken: boolean;
}

/** Between two pieces of which one is said, and between two that are written. */
const SAID_GAP = /^[\s,.…()-]{0,3}$/;
const WRITTEN_GAP = /^(?:[ \u00a0\u202f]{0,2}[()./–—-]?[ \u00a0\u202f()]{0,2})$/;
const FILLERS = new Set(['uh', 'um', 'er', 'erm', 'dash', 'hyphen', 'space']);

/** The runs of digits alone, and the longer ones that letters said or written one by one belong to. */
export function numberRuns(text: string, words: Word[]): { digits: NumberRun[]; mixed: NumberRun[] } {
  const digits: NumberRun[] = [];
  const mixed: NumberRun[] = [];
  let pieces: Piece[] = [];
  let index = 0;
  const finish = (): void => {
    if (pieces.length === 0) return;
    if (pieces.some(({ letter }) => letter)) mixed.push(...runOf(pieces));
    for (const part of splitAtLetters(pieces)) digits.push(...runOf(part));
    pieces = [];
  };
  while (index < words.length) {
    const read = pieceAt(words, index);
    if (read === null) {
      if (pieces.length > 0 && FILLERS.has(words[index]?.plain ?? '')) {
        index += 1;
        continue;
      }
      finish();
      index += 1;
      continue;
    }
    const last = pieces.at(-1);
    if (last && !belongs(text, last, read.piece)) finish();
    pieces.push(read.piece);
    index += read.words;
  }
  finish();
  return { digits, mixed };
}

function pieceAt(words: Word[], index: number): { piece: Piece; words: number } | null {
  const word = words[index];
  if (!word) return null;
  const { start, end } = word;
  if (word.digits) return { piece: { start, end, text: word.text, spoken: false, letter: false }, words: 1 };
  const spoken = spokenDigits(word.plain, words[index + 1]?.plain, words[index + 2]?.plain);
  if (spoken) {
    const last = words[index + spoken.words - 1] ?? word;
    return {
      piece: { start, end: last.end, text: spoken.digits, spoken: true, letter: false },
      words: spoken.words,
    };
  }
  if (word.text.length !== 1 || !/[a-z]/.test(word.plain)) return null;
  return { piece: { start, end, text: word.plain.toUpperCase(), spoken: true, letter: true }, words: 1 };
}

function belongs(text: string, last: Piece, next: Piece): boolean {
  const gap = text.slice(last.end, next.start);
  if (gap.length > 12 || gap.includes('\n')) return false;
  if (last.spoken || next.spoken) return SAID_GAP.test(gap) || FILLERS.has(gap.trim().toLowerCase());
  return WRITTEN_GAP.test(gap);
}

function* splitAtLetters(pieces: Piece[]): Iterable<Piece[]> {
  let part: Piece[] = [];
  for (const piece of pieces) {
    if (!piece.letter) part.push(piece);
    else {
      yield part;
      part = [];
    }
  }
  yield part;
}

function runOf(pieces: Piece[]): NumberRun[] {
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (!first || !last) return [];
  const digits = pieces.map(({ text }) => text).join('');
  if (digits.length < 3) return [];
  return [{ pieces, start: first.start, end: last.end, digits, spoken: pieces.some(({ spoken }) => spoken) }];
}

/** Whether a letter touches the run, so that it is a piece of something longer, such as a product code. */
export function touchesLetters(text: string, { start, end }: { start: number; end: number }): boolean {
  const hyphened = (index: number, next: number): boolean =>
    text.charAt(index) === '-' && isLetter(text.charCodeAt(next));
  return (
    isLetter(text.charCodeAt(start - 1)) ||
    isLetter(text.charCodeAt(end)) ||
    hyphened(start - 1, start - 2) ||
    hyphened(end, end + 1) ||
    '#_'.includes(text.charAt(start - 1) || ' ')
  );
}
