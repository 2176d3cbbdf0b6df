/** Texts and numbers as a terminal shows them. Pure. */

/** Control characters, among them those that steer a terminal: words of a call must not be able to. */
const CONTROLS = /\p{Cc}+/gu;
/** What turns the direction of all that follows it on the line. */
const DIRECTIONS = /[\u202A-\u202E\u2066-\u2069]/g;

/** Characters that take two columns. */
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u{1100}-\u{115F}\u{2E80}-\u{A4CF}\u{AC00}-\u{D7A3}\u{F900}-\u{FAFF}\u{FE30}-\u{FE6F}\u{FF00}-\u{FF60}\u{FFE0}-\u{FFE6}\u{20000}-\u{3FFFD}])/u;

/** Made when it is first needed: making it takes as long as a tenth of a server's start. */
let segmenter: Intl.Segmenter | undefined;

interface Glyph {
  text: string;
  width: number;
}

function glyphsOf(text: string): Glyph[] {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(segmenter.segment(text), ({ segment }) => ({
    text: segment,
    width: WIDE.test(segment) ? 2 : 1,
  }));
}

/** A text from elsewhere on one line, without anything that steers the terminal. */
export function plain(text: string): string {
  return harmless(text).trim();
}

/** Likewise, with the white space around it. */
export function harmless(text: string): string {
  return text.replace(DIRECTIONS, '').replace(CONTROLS, ' ');
}

/** How many columns an uncoloured text takes. */
export function widthOf(text: string): number {
  return /^[\x20-\x7E]*$/.test(text)
    ? text.length
    : glyphsOf(text).reduce((sum, { width }) => sum + width, 0);
}

/** The text, or as much of it as fits, with … where something was left out: at its end or in its middle. */
export function shorten(text: string, width: number, at: 'end' | 'middle' = 'end'): string {
  if (widthOf(text) <= width) return text;
  if (width <= 1) return '…'.slice(0, Math.max(0, width));
  const glyphs = glyphsOf(text);
  const tail = at === 'end' ? 0 : Math.floor((width - 1) / 2);
  return `${taken(glyphs, width - 1 - tail)}…${taken(glyphs.toReversed(), tail, true)}`;
}

function taken(glyphs: readonly Glyph[], width: number, backwards = false): string {
  const kept: string[] = [];
  let left = width;
  for (const { text, width: wide } of glyphs) {
    if (wide > left) break;
    left -= wide;
    kept.push(text);
  }
  return (backwards ? kept.toReversed() : kept).join('');
}

/** The text with spaces up to the width; a longer one is left as it is. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + space : space + text;
}

/** Lines of at most `width` columns, broken between words; a longer word is cut. Of more than `maxLines` the rest is … */
export function wrap(text: string, width: number, maxLines = Infinity): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of plain(text).split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = shorten(word, width);
  }
  lines.push(line);
  if (lines.length <= maxLines) return lines;
  const kept = lines.slice(0, maxLines);
  return [...kept.slice(0, -1), shorten(`${kept.at(-1) ?? ''} ……`, width)];
}

/** 5245 as 5,245. */
export function formatNumber(value: number): string {
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 }).format(value);
}

/** "1 call", "1,302 calls". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes in the unit that reads best: 812 B, 2.8 MB. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${BYTE_UNITS[unit] ?? ''}`;
}

const two = (value: number) => String(Math.floor(value)).padStart(2, '0');

/** Milliseconds: 0.4 s, 12 s, 1m 05s, 2h 03m, 3d 04h. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${two((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d ${two((whole % 86_400) / 3600)}h`;
}

/** US dollars: cents from a dollar on, below it as many places as show something. */
export function formatUsd(usd: number): string {
  if (usd === 0 || usd >= 1) return `$${usd.toFixed(2).replace(/\B(?=(?:\d{3})+\.)/g, ',')}`;
  if (usd < 0.0001) return '<$0.0001';
  return `$${usd.toFixed(usd < 0.01 ? 4 : 3)}`;
}

/** A share from 0 to 1 as a whole percentage; 100% only when nothing is left. */
export function formatShare(share: number): string {
  return `${share >= 1 ? 100 : Math.min(99, Math.max(0, Math.round(share * 100)))}%`;
}

/** The time here, to the minute: "22 Nov 09:30", with the year when it is not this one. */
export function formatTime(time: Date, now = new Date()): string {
  const day = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' }).format(time);
  if (time.getFullYear() !== now.getFullYear()) return `${day} ${time.getFullYear()}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
