/** How the demo looks: numbered steps, what came of them, and words that were said. */
import type { Terminal } from './terminal.ts';
import { bar } from './terminalChart.ts';
import { formatShare, pad, widthOf, wrap } from './terminalText.ts';

export const STEPS = 9;
const INDENT = '       ';
const QUOTE_LINES = 2;
const WIDEST = 92;
const BAR_WIDTH = 28;
const SPEAKER_WIDTH = 11;

export type DemoScreen = ReturnType<typeof createDemoScreen>;

export function createDemoScreen(terminal: Terminal) {
  const { style, print } = terminal;
  const width = () => Math.max(40, Math.min(terminal.width() - 2, WIDEST));
  let number = 0;

  return {
    terminal,

    title(text: string, ...about: string[]): void {
      print('', `  ${style.strong(text)}`);
      for (const line of about.flatMap((part) => wrap(part, width() - 2))) print(`  ${style.dim(line)}`);
    },

    /** Begins a step: what it does, through which operation, and why. */
    step(title: string, operation: string, why: string): void {
      number += 1;
      const place = `  ${style.accent(`${number}/${STEPS}`)}  `;
      const space = width() - INDENT.length - widthOf(title) - widthOf(operation);
      const name =
        space >= 2
          ? [`${place}${style.strong(title)}${' '.repeat(space)}${style.dim(operation)}`]
          : [`${place}${style.strong(title)}`, `${INDENT}${style.dim(operation)}`];
      print('', ...name);
      for (const line of wrap(why, width() - INDENT.length)) print(`${INDENT}${style.dim(line)}`);
    },

    /** Something that worked. */
    done(text: string): void {
      for (const [index, line] of wrap(text, width() - INDENT.length - 2).entries()) {
        print(`${INDENT}${index === 0 ? style.good('✓') : ' '} ${line}`);
      }
    },

    /** A fact beside it. */
    note(text: string, paint: (line: string) => string = style.dim): void {
      for (const line of wrap(text, width() - INDENT.length - 2)) print(`${INDENT}  ${paint(line)}`);
    },

    /** What someone said, cut to a few lines. */
    quote(speaker: string, text: string): void {
      for (const [index, line] of wrap(
        text,
        width() - INDENT.length - SPEAKER_WIDTH - 3,
        QUOTE_LINES,
      ).entries()) {
        print(`${INDENT}  ${style.accent(pad(index === 0 ? speaker : '', SPEAKER_WIDTH))} ${line}`);
      }
    },

    /** A drawing, as it is. */
    draw(lines: readonly string[]): void {
      print(...lines.map((line) => `${INDENT}  ${line}`));
    },

    progress(share: number, text: string): void {
      const { done, left } = bar(share, BAR_WIDTH);
      const percent = pad(formatShare(share), 4, 'right');
      terminal.status(`${INDENT}  ${style.accent(done)}${style.dim(left)} ${percent}  ${text}`);
    },

    waiting(text: string): void {
      terminal.status(`${INDENT}  ${style.dim(text)}`, true);
    },

    line: (text = '') => print(text === '' ? '' : `  ${text}`),
  };
}
