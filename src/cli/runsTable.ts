/** Training runs as a table and as lines. Pure. */
import type { CliRunFragment, TrainingRunStatus } from '../generated/gql/graphql.ts';
import type { Style } from './terminal.ts';
import { renderTable, type Column } from './terminalTable.ts';
import { formatDuration, formatNumber, formatTime, formatUsd, plain } from './terminalText.ts';

export type TableRun = Pick<
  CliRunFragment,
  | 'status'
  | 'provider'
  | 'baseModel'
  | 'resultModelId'
  | 'trainedTokens'
  | 'trainingCostUsd'
  | 'createdAt'
  | 'completedAt'
  | 'errorMessage'
> & { dataset: { name: string } };

const COLUMNS: readonly Column[] = [
  { title: 'DATASET', min: 8 },
  { title: 'STATUS' },
  { title: 'PROVIDER', min: 6, dispensable: 3 },
  { title: 'BASE MODEL', min: 8, cut: 'middle', dispensable: 4 },
  { title: 'RESULT MODEL', min: 8, cut: 'middle' },
  { title: 'TOKENS', align: 'right', dispensable: 1 },
  { title: 'COST', align: 'right' },
  { title: 'CREATED', dispensable: 2 },
  { title: 'DURATION', align: 'right' },
];
const [STATUS, TIMES] = [1, 7];

/** A status's meaning, as a colour. */
function colourOf(status: TrainingRunStatus, style: Style): (text: string) => string {
  switch (status) {
    case 'SUCCEEDED':
      return style.good;
    case 'FAILED':
    case 'NEEDS_REVIEW':
      return style.bad;
    case 'CANCELLED':
    case 'PAUSED':
      return style.warn;
    default:
      return style.accent;
  }
}

/** How long a run took, or has taken until now, in milliseconds; from its creation, as the one who waits counts. */
export function elapsed(
  { createdAt, completedAt }: Pick<TableRun, 'createdAt' | 'completedAt'>,
  now: Date,
): number {
  return (completedAt == null ? now.getTime() : Date.parse(completedAt)) - Date.parse(createdAt);
}

/** The monitoring table, the newest run first as given; no line is longer than `width`. */
export function runsTable(
  list: readonly TableRun[],
  { width, style, now }: { width: number; style: Style; now: Date },
): string[] {
  if (list.length === 0)
    return ['There are no training runs yet. Launch one with launchTrainingRun, or see "tunesmith demo".'];
  const rows = list.map((run) => [
    plain(run.dataset.name),
    run.status,
    plain(run.provider),
    plain(run.baseModel),
    plain(run.resultModelId ?? '–'),
    run.trainedTokens == null ? '–' : formatNumber(run.trainedTokens),
    run.trainingCostUsd == null ? '–' : formatUsd(run.trainingCostUsd),
    formatTime(new Date(run.createdAt), now),
    formatDuration(elapsed(run, now)),
  ]);
  return renderTable(COLUMNS, rows, width, (text, row, column) => {
    const run = list[row];
    if (run === undefined) return style.dim(text);
    if (column === STATUS) return colourOf(run.status, style)(text);
    return column >= TIMES ? style.dim(text) : text;
  });
}

/** A run as one line that another program, or a log, can keep. */
export function runLine(run: TableRun & Pick<CliRunFragment, 'id' | 'updatedAt'>): string {
  const parts = [
    run.updatedAt,
    run.id,
    run.status,
    plain(run.dataset.name),
    `${plain(run.provider)}/${plain(run.baseModel)}`,
  ];
  if (run.resultModelId != null) parts.push(plain(run.resultModelId));
  if (run.trainedTokens != null) parts.push(`${run.trainedTokens} tokens`);
  if (run.trainingCostUsd != null) parts.push(`${run.trainingCostUsd} USD`);
  if (run.errorMessage != null) parts.push(plain(run.errorMessage));
  return parts.join('  ');
}
