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

/** How many bytes there must be before messages for what a line has there. */
export function roomBefore(prompt: Buffer): number {
  return LINE.length + prompt.length;
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

/** Whether messages that make a plain line, as stored from `start` on, begin with a system message of their own. */
export function ownsPrompt(bytes: Buffer, start: number): boolean {
  return openingAt(bytes, start + 1)?.role === 'system';
}

/**
 * Makes the line, with the line break at its end, of messages in their own buffer, from `at` on, which must be before them
 * by `roomBefore`. It ends where they do at most, for the spaces that it lacks are more than it has besides. Returns where
 * it ends, or null when the messages have another shape; then what stands from `at` to their end is of no use.
 */
export function writePlainLine(
  { bytes, start, end: until }: StoredMessages,
  prompt: Buffer,
  at: number,
): number | null {
  if (bytes[start] !== OPEN) return null;
  bytes.set(LINE, at);
  let to = at + LINE.length;
  let from = start + 1;
  for (let nth = 0; ; nth += 1) {
    const opening = openingAt(bytes, from);
    if (opening === undefined || from + opening.stored.length > until) return null;
    if (nth === 0 && opening.role !== 'system') {
      bytes.set(prompt, to);
      to += prompt.length;
    }
    bytes.set(opening.written, to);
    to += opening.written.length;
    from += opening.stored.length;
    const quote = endOfText(bytes, from);
    if (quote === null || quote + 1 >= until || bytes[quote + 1] !== BRACE) return null;
    // The content with the quote and the brace that end it.
    bytes.copyWithin(to, from, quote + 2);
    to += quote + 2 - from;
    from = quote + 2;
    if (bytes[from] === CLOSE && from + 1 === until) break;
    if (bytes[from] !== COMMA || bytes[from + 1] !== SPACE) return null;
    bytes[to] = COMMA;
    to += 1;
    from += 2;
  }
  bytes.set(END, to);
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
