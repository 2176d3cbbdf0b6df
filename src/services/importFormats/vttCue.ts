/** The text of a WebVTT cue: voices told apart, other tags left out, character references decoded. */

/** Words of one cue in one voice; `voice` is null where the cue does not say whose. */
export interface CuePart {
  voice: string | null;
  text: string;
}

const NAMED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', '\u{A0}'],
  ['lrm', '\u{200E}'],
  ['rlm', '\u{200F}'],
]);

function decode(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,4}));/gi, (whole, dec, hex, name) => {
    if (typeof name === 'string') return NAMED.get(name) ?? whole;
    const code = typeof dec === 'string' ? Number(dec) : Number.parseInt(String(hex), 16);
    const isCharacter = code > 0 && code <= 0x10_ff_ff && (code < 0xd8_00 || code > 0xdf_ff);
    return isCharacter ? String.fromCodePoint(code) : whole;
  });
}

/** `<b>`, `</c.loud>`, `<v Customer>`, `<00:01.000>`; anything else in angle brackets is text, as in "<3". */
const TAG = /^(?:\/?[a-z]+(?:\.[^\s]*)?(?:\s.*)?|\/|\d{2,}:[\d:.]+)$/is;
const VOICE = /^v(?:\.[^\s]*)?\s(.*)$/is;

const clean = (text: string): string => decode(text).trim();

/** The parts of a cue in order, trimmed. Each voice tag begins a part, even one without words. */
export function readCue(cue: string): CuePart[] {
  const parts: CuePart[] = [];
  let voice: string | null = null;
  let text = '';
  const finish = (): void => {
    const said = clean(text);
    if (voice !== null || said !== '') parts.push({ voice, text: said });
    text = '';
  };
  // Each bracket is looked at once: a long row of opening ones must not be searched to its end again and again.
  let from = 0;
  let open = cue.indexOf('<');
  let close = -1;
  while (open !== -1) {
    if (close < open) close = cue.indexOf('>', open);
    if (close === -1) break;
    const next = cue.indexOf('<', open + 1);
    const isInnermost = next === -1 || next > close;
    const tag = isInnermost ? cue.slice(open + 1, close) : '';
    if (isInnermost && TAG.test(tag)) {
      text += cue.slice(from, open);
      from = close + 1;
      const name = clean(VOICE.exec(tag)?.[1] ?? '').replaceAll(/\s+/g, ' ');
      if (name !== '') {
        finish();
        voice = name;
      }
    }
    open = next;
  }
  text += cue.slice(from);
  finish();
  return parts;
}
