/** A stream that people may be looking at: its colours, its width, and one line at its end that changes in place. */
import { stripVTControlCharacters, styleText } from 'node:util';
import { shorten, widthOf } from './terminalText.ts';

/** What texts can mean. Everything coloured is coloured by its meaning, so the palette is in one place. */
export interface Style {
  strong: (text: string) => string;
  /** Beside the point. */
  dim: (text: string) => string;
  /** What to look at. */
  accent: (text: string) => string;
  good: (text: string) => string;
  warn: (text: string) => string;
  bad: (text: string) => string;
}

export interface Terminal {
  /** Whether a person may be watching, so that things can change in place. */
  live: boolean;
  style: Style;
  /** How many columns there are now; 100 where it is no terminal. */
  width: () => number;
  /** How many rows there are now. */
  height: () => number;
  /** Prints lines above the status line. */
  print: (...lines: string[]) => void;
  /** Shows a line that the next one replaces; nothing where nobody is watching. At most every 80 ms, unless `now`. */
  status: (line: string, now?: boolean) => void;
  /** Redraws a block of lines in place of the one drawn before. */
  redraw: (lines: readonly string[]) => void;
}

const WIDTH_ELSEWHERE = 100;
const REDRAW_EVERY = 80;

type Stream = Pick<NodeJS.WriteStream, 'write'> & { isTTY?: boolean; columns?: number; rows?: number };
type Environment = Readonly<Record<string, string | undefined>>;

/** Colours where a person is watching, or where FORCE_COLOR asks for them; never with NO_COLOR. */
function colourful(stream: Stream, env: Environment): boolean {
  if (env['NO_COLOR'] || env['NODE_DISABLE_COLORS']) return false;
  if (env['FORCE_COLOR']) return env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

function createStyle(colours: boolean): Style {
  // Which stream it goes to was decided here already.
  const as = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    colours && text !== '' ? styleText(format, text, { validateStream: false }) : text;
  return {
    strong: as('bold'),
    dim: as('dim'),
    accent: as('cyan'),
    good: as('green'),
    warn: as('yellow'),
    bad: as('red'),
  };
}

export function openTerminal(stream: Stream, env: Environment = process.env): Terminal {
  const live = stream.isTTY === true && env['TERM'] !== 'dumb';
  const width = () => stream.columns ?? WIDTH_ELSEWHERE;
  let shown = 0; // How many lines of the status or block stand above the cursor, the line it is on not counted.
  let statusShown = false;
  let lastStatus = 0;

  function clear(): string {
    if (!statusShown && shown === 0) return '';
    const up = shown > 0 ? `\u{1B}[${shown}A` : '';
    statusShown = false;
    shown = 0;
    return `${up}\r\u{1B}[0J`;
  }

  return {
    live,
    style: createStyle(colourful(stream, env)),
    width,
    height: () => stream.rows ?? 24,
    print(...lines) {
      stream.write(`${clear()}${lines.map((line) => `${line}\n`).join('')}`);
    },
    status(line, now = false) {
      if (!live || (!now && Date.now() - lastStatus < REDRAW_EVERY)) return;
      lastStatus = Date.now();
      // A line that wraps could not be taken back.
      const bare = stripVTControlCharacters(line);
      const fits = widthOf(bare) < width() ? line : shorten(bare, width() - 1);
      stream.write(`${clear()}${fits}`);
      statusShown = true;
    },
    redraw(lines) {
      stream.write(`${clear()}${lines.map((line) => `${line}\n`).join('')}`);
      shown = lines.length;
    },
  };
}
