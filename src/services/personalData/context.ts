/** What stands around a candidate, for rules that go by it. */

/** The text before, in lower case, not past the line's beginning. */
export function before(text: string, index: number, length = 48): string {
  const taken = text.slice(Math.max(0, index - length), index).toLowerCase();
  return taken.slice(taken.lastIndexOf('\n') + 1);
}

/** The text after, in lower case, not past the line's end. */
export function after(text: string, index: number, length = 32): string {
  const taken = text.slice(index, index + length).toLowerCase();
  const lineEnd = taken.indexOf('\n');
  return lineEnd === -1 ? taken : taken.slice(0, lineEnd);
}

/** Where the last match of `pattern` (which must be global) begins; -1 for none. */
export function lastMatch(pattern: RegExp, text: string): number {
  let last = -1;
  for (const { index } of text.matchAll(pattern)) last = index;
  return last;
}
