import { describe, expect, test } from 'vitest';
import { openTerminal } from '../../src/cli/terminal.ts';
import { bar, curve } from '../../src/cli/terminalChart.ts';
import { fitColumns, renderTable } from '../../src/cli/terminalTable.ts';
import {
  counted,
  formatBytes,
  formatDuration,
  formatNumber,
  formatShare,
  formatTime,
  formatUsd,
  pad,
  plain,
  shorten,
  widthOf,
  wrap,
} from '../../src/cli/terminalText.ts';

function screen(isTTY: boolean, env: Record<string, string> = {}) {
  const written: string[] = [];
  const stream = { isTTY, columns: 20, rows: 10, write: (text: string) => written.push(text) > 0 };
  return { terminal: openTerminal(stream, env), text: () => written.join('') };
}

describe('numbers', () => {
  test.each([
    [formatNumber(5245), '5,245'],
    [counted(1, 'call'), '1 call'],
    [counted(1302, 'call'), '1,302 calls'],
    [formatBytes(0), '0 B'],
    [formatBytes(812), '812 B'],
    [formatBytes(1000), '1.0 kB'],
    [formatBytes(999_999), '1.0 MB'],
    [formatBytes(2_804_173), '2.8 MB'],
    [formatBytes(123_456_789), '123 MB'],
    [formatDuration(-5), '0.0 s'],
    [formatDuration(430), '0.4 s'],
    [formatDuration(9_960), '10 s'],
    [formatDuration(59_600), '1m 00s'],
    [formatDuration(65_000), '1m 05s'],
    [formatDuration(7_380_000), '2h 03m'],
    [formatDuration(273_600_000), '3d 04h'],
    [formatUsd(0), '$0.00'],
    [formatUsd(0.00001), '<$0.0001'],
    [formatUsd(0.00123), '$0.0012'],
    [formatUsd(0.204), '$0.204'],
    [formatUsd(4.721145), '$4.72'],
    [formatUsd(1234567.891), '$1,234,567.89'],
    [formatShare(0.004), '0%'],
    [formatShare(0.9999), '99%'],
    [formatShare(1), '100%'],
  ])('%s', (shown, expected) => expect(shown).toBe(expected));

  test('times are local, and name the year when it is another', () => {
    const now = new Date(2026, 10, 22, 12);
    expect(formatTime(new Date(2026, 10, 3, 9, 5), now)).toBe('03 Nov 09:05');
    expect(formatTime(new Date(2025, 10, 3, 9, 5), now)).toBe('03 Nov 2025');
  });
});

describe('texts', () => {
  test('are kept from steering the terminal', () => {
    expect(plain('a\u{1B}[2Jb\r\nc\u{9B}1m ')).toBe('a [2Jb c 1m');
    expect(plain('to \u202Eesrever\u202C and \u2067back\u2069')).toBe('to esrever and back');
  });

  test('are as wide as they are shown', () => {
    expect(widthOf('naïve')).toBe(5);
    expect(widthOf('e\u{301}')).toBe(1);
    expect(widthOf('電話')).toBe(4);
    expect(widthOf('👩‍👩‍👧')).toBe(2);
    expect(pad('電話', 6)).toBe('電話  ');
    expect(pad('7', 3, 'right')).toBe('  7');
  });

  test('are shortened at the end or in the middle', () => {
    expect(shorten('sandbox', 7)).toBe('sandbox');
    expect(shorten('sandbox', 5)).toBe('sand…');
    expect(shorten('ft:sandbox-small:abc', 9, 'middle')).toBe('ft:s…:abc');
    expect(shorten('電話電話', 4)).toBe('電…');
    expect([shorten('abc', 1), shorten('abc', 0)]).toEqual(['…', '']);
  });

  test('are wrapped between words', () => {
    expect(wrap('the quick brown fox', 9)).toEqual(['the quick', 'brown fox']);
    expect(wrap('the quick brown fox jumps', 9, 2)).toEqual(['the quick', 'brown fo…']);
    expect(wrap('incomprehensible', 8)).toEqual(['incompr…']);
    expect(wrap('', 8)).toEqual(['']);
  });
});

describe('tables', () => {
  const columns = [
    { title: 'NAME', min: 4 },
    { title: 'MODEL', min: 5, cut: 'middle' as const, dispensable: 1 },
    { title: 'COST', align: 'right' as const },
  ];
  const rows = [['a long name indeed', 'ft:sandbox-small:abc', '$1.00']];

  test('shorten first, then leave out', () => {
    expect(fitColumns(columns, rows, 80)).toEqual({ widths: [18, 20, 5], gap: 2 });
    expect(renderTable(columns, rows, 30)).toEqual([
      'NAME        MODEL         COST',
      'a long na…  ft:sa…l:abc  $1.00',
    ]);
    expect(fitColumns(columns, rows, 12)).toEqual({ widths: [5, null, 5], gap: 2 });
    // What cannot fit is cut by nobody: the columns that must be there stay.
    expect(fitColumns(columns, rows, 3).widths).toEqual([18, null, 5]);
  });

  test.each([16, 20, 33, 47, 80])('no line is longer than %d', (width) => {
    for (const line of renderTable(columns, rows, width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
  });
});

describe('bars and curves', () => {
  test('a bar has its width at any share', () => {
    for (const share of [-1, 0, 0.31, 1, 2, Number.NaN]) {
      const { done, left } = bar(share, 20);
      expect(done.length + left.length).toBe(20);
    }
    expect(bar(0.5, 4)).toEqual({ done: '━━', left: '──' });
  });

  test('a curve falls from its top left to its bottom right, between labelled axes', () => {
    const points = [4, 3, 2, 1].map((y, x) => ({ x: x + 1, y }));
    const lines = curve(points, { width: 8, height: 4, xLabel: 'step', yLabel: 'loss' });
    expect(lines).toEqual([
      '     loss',
      '4.00 ┤⠑⢄',
      '3.00 ┤  ⠑⢄',
      '     │    ⠑⢄',
      '1.00 ┤      ⠑⢄',
      '     └────────',
      '      1 step 4',
    ]);
  });

  test('a curve needs two points, and takes them in any order and of one height', () => {
    const options = { width: 60, height: 10, xLabel: 'step', yLabel: 'loss' };
    expect(curve([], options)).toEqual([]);
    expect(
      curve(
        [
          { x: 1, y: 1 },
          { x: Number.NaN, y: 2 },
        ],
        options,
      ),
    ).toEqual([]);
    expect(
      curve(
        [
          { x: 2, y: 1 },
          { x: 1, y: 3 },
        ],
        options,
      ),
    ).toEqual(
      curve(
        [
          { x: 1, y: 3 },
          { x: 2, y: 1 },
        ],
        options,
      ),
    );
    const flat = curve(
      [
        { x: 1, y: 2 },
        { x: 9, y: 2 },
      ],
      options,
    );
    expect(flat).toHaveLength(13);
    expect(flat.filter((line) => /[\u{2801}-\u{28FF}]/u.test(line))).toHaveLength(1);
    for (const line of flat) expect(widthOf(line)).toBeLessThanOrEqual(60 + 8);
  });
});

describe('the terminal', () => {
  test('colours where someone is watching, unless NO_COLOR', () => {
    expect(screen(true).terminal.style.good('ok')).toBe('\u{1B}[32mok\u{1B}[39m');
    expect(screen(true, { NO_COLOR: '1' }).terminal.style.good('ok')).toBe('ok');
    expect(screen(false).terminal.style.good('ok')).toBe('ok');
    expect(screen(false, { FORCE_COLOR: '1' }).terminal.style.good('ok')).toBe('\u{1B}[32mok\u{1B}[39m');
  });

  test('takes the status line back before it prints, and never lets it wrap', () => {
    const { terminal, text } = screen(true);
    terminal.status('a line that is far too long', true);
    terminal.print('done');
    expect(text()).toBe('a line that is far…\r\u{1B}[0Jdone\n');
  });

  test('draws a block over the one before', () => {
    const { terminal, text } = screen(true);
    terminal.redraw(['one', 'two']);
    terminal.redraw(['three']);
    expect(text()).toBe('one\ntwo\n\u{1B}[2A\r\u{1B}[0Jthree\n');
  });

  test('shows no status where nobody is watching', () => {
    const { terminal, text } = screen(false);
    terminal.status('50%', true);
    expect(text()).toBe('');
  });
});
