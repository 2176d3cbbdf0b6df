import { describe, expect, test } from 'vitest';
import { runsTable, type TableRun } from '../../src/cli/runsTable.ts';
import { openTerminal } from '../../src/cli/terminal.ts';
import { widthOf } from '../../src/cli/terminalText.ts';

const now = new Date('2026-11-22T12:00:00Z');
const { style } = openTerminal({ isTTY: false, write: () => true }, {});

const finished: TableRun = {
  dataset: { name: 'Support agent of the northern region' },
  status: 'SUCCEEDED',
  provider: 'sandbox',
  baseModel: 'sandbox-small-2026-01-01',
  resultModelId: 'ft:sandbox-small-2026-01-01:sandbox:support:1gQIowK8',
  trainedTokens: 944_229,
  trainingCostUsd: 4.721145,
  createdAt: '2026-11-22T09:30:00Z',
  completedAt: '2026-11-22T09:31:05Z',
  errorMessage: null,
};
const running: TableRun = {
  ...finished,
  dataset: { name: 'Booking\u{1B}[2J' },
  status: 'VALIDATING_FILES',
  resultModelId: null,
  trainedTokens: null,
  trainingCostUsd: null,
  createdAt: '2026-11-22T11:59:30Z',
  completedAt: null,
};

const table = (width: number) => runsTable([finished, running], { width, style, now });

describe('the monitoring table', () => {
  test.each([60, 80, 140])('fits %d columns', (width) => {
    const lines = table(width);
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
    const text = lines.join('\n');
    for (const shown of ['SUCCEEDED', 'VALIDATING_FILES', '$4.72', '1m 05s', '30 s', 'Support'])
      expect(text).toContain(shown);
  });

  test('has all its columns where there is room, and shortens the middle ones first', () => {
    const all = /^DATASET +STATUS +PROVIDER +BASE MODEL +RESULT MODEL +TOKENS +COST +CREATED +DURATION$/;
    expect(table(140)[0]).toMatch(all);
    expect(table(100)[0]?.replaceAll('…', '')).toContain('TOKENS');
    expect(table(140)[1]).toMatch(/ft:sandbox-.*….*1gQIowK8/);
    expect(table(220)[1]).toContain('ft:sandbox-small-2026-01-01:sandbox:support:1gQIowK8');
  });

  test('shows a run that goes on by the time until now, and names without what steers a terminal', () => {
    const text = table(200).join('\n');
    expect(text).toContain('Booking [2J');
    expect(text).not.toContain('\u{1B}');
  });

  test('says what to do when there is none', () => {
    expect(runsTable([], { width: 80, style, now }).join('')).toContain('no training runs yet');
  });
});
