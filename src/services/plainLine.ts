/**
 * Turns messages as PostgreSQL writes JSONB into a line of OpenAI's chat format, byte by byte what renderChatLine
 * (jsonl.ts) makes of them, without reading them into objects first. It knows one shape: messages that have a role and a
 * content, both texts, and nothing else. Whatever is not exactly so it leaves to renderChatLine. Pure.
 *
 * PostgreSQL writes such messages in one way: `[{"role": "user", "content": "…"}, …]`, shorter keys first, a space after
 * each colon and comma, and texts escaped as JSON.stringify escapes them.
 */

const ROLES = ['user', 'assistant', 'system', 'tool'] as const;
const LINE = Buffer.from('{"messages":[');
const END = Buffer.from(']}\n');
const SYSTEM = Buffer.from('{"role":"system","content":');
const OPENINGS = ROLES.map((role) => ({
  role,
  stored: Buffer.from(`{"role": "${role}", "content": "`),
  written: Buffer.from(`{"role":"${role}","content":"`),
}));
const [QUOTE, BACKSLASH, OPEN, CLOSE, BRACE, COMMA, SPACE] = [0x22, 0x5c, 0x5b, 0x5d, 0x7d, 0x2c, 0x20];

/** How many bytes a line has at most, beside those of its messages as stored. */
export function roomFor(prompt: Buffer): number {
  return LINE.length + END.length + prompt.length;
}

/** The system prompt as it stands before an example's own messages; empty where there is none. */
export function promptBytes(systemPrompt: string | null): Buffer {
  return systemPrompt
    ? Buffer.concat([SYSTEM, Buffer.from(`${JSON.stringify(systemPrompt)}},`)])
    : Buffer.alloc(0);
}

/** Messages as they lie in something larger. */
export interface StoredMessages {
  bytes: Buffer;
  start: number;
  end: number;
}

/** Whether messages that make a plain line begin with a system message of their own. */
export function ownsPrompt({ bytes, start }: StoredMessages): boolean {
  return openingAt(bytes, start + 1)?.role === 'system';
}

/**
 * Writes the line, with the line break at its end, into `target` from `at` on, where there must be room for it (`roomFor`).
 * Returns where it ends, or null when the messages have another shape; then what stands from `at` on is of no use.
 */
export function writePlainLine(
  { bytes: stored, start, end }: StoredMessages,
  prompt: Buffer,
  target: Buffer,
  at: number,
): number | null {
  // Copied as a whole and closed up where it lies then: each copy from buffer to buffer makes an object.
  let from = at + LINE.length + prompt.length;
  const until = from + stored.copy(target, from, start, end);
  if (target[from] !== OPEN) return null;
  target.set(LINE, at);
  let to = at + LINE.length;
  from += 1;
  for (let nth = 0; ; nth += 1) {
    const opening = openingAt(target, from);
    if (opening === undefined || from + opening.stored.length > until) return null;
    if (nth === 0 && opening.role !== 'system') {
      target.set(prompt, to);
      to += prompt.length;
    }
    target.set(opening.written, to);
    to += opening.written.length;
    from += opening.stored.length;
    const quote = endOfText(target, from);
    if (quote === null || quote + 1 >= until || target[quote + 1] !== BRACE) return null;
    // The content with the quote and the brace that end it.
    target.copyWithin(to, from, quote + 2);
    to += quote + 2 - from;
    from = quote + 2;
    if (target[from] === CLOSE && from + 1 === until) break;
    if (target[from] !== COMMA || target[from + 1] !== SPACE) return null;
    target[to] = COMMA;
    to += 1;
    from += 2;
  }
  target.set(END, to);
  return to + END.length;
}

function openingAt(stored: Buffer, from: number) {
  for (const opening of OPENINGS) if (standsAt(stored, from, opening.stored)) return opening;
  return undefined;
}

function standsAt(stored: Buffer, from: number, text: Buffer): boolean {
  for (let nth = 0; nth < text.length; nth += 1) if (stored[from + nth] !== text[nth]) return false;
  return true;
}

/** Where the quote stands that ends the text which begins at `from`. */
function endOfText(stored: Buffer, from: number): number | null {
  for (let end = stored.indexOf(QUOTE, from); end >= 0; end = stored.indexOf(QUOTE, end + 1)) {
    let before = end;
    while (before > from && stored[before - 1] === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 0) return end;
  }
  return null;
}
