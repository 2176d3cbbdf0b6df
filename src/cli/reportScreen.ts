/** A report on a dataset as lines of a terminal. Pure. */
import type { CliBarsFragment, CliReportFragment } from '../generated/gql/graphql.ts';
import type { Style } from './terminal.ts';
import { bar } from './terminalChart.ts';
import {
  counted,
  formatNumber,
  formatShare,
  formatTime,
  formatUsd,
  pad,
  plain,
  shorten,
  widthOf,
  wrap,
} from './terminalText.ts';

interface Screen {
  width: number;
  style: Style;
  now: Date;
}

interface Row {
  label: string;
  count: number;
}

const WIDEST = 100;
const WIDEST_LABEL = 24;
const WIDEST_BAR = 40;

/** The report; no line is longer than the width, as long as that is 40 or more. */
export function reportLines(
  { name, report, personalDataPolicy }: CliReportFragment,
  screen: Screen,
): string[] {
  const width = Math.max(40, Math.min(screen.width, WIDEST));
  const { style, now } = screen;
  const { counts, duplicates, personalData, topics } = report;
  const words = (text: string, paint: (line: string) => string = (line) => line) =>
    wrap(text, width - 2).map((line) => `  ${paint(line)}`);
  const section = (title: string, lines: string[]) =>
    lines.length === 0 ? [] : ['', style.strong(shorten(title, width)), ...lines];
  const rows = (list: Row[], paint: (text: string) => string = style.accent) =>
    barRows(list, width, style, paint);

  return [
    style.strong(shorten(plain(name), width)),
    ...words(about(report), style.dim),
    ...section('State', counts.total === 0 ? [] : stateRows(counts, width, style)),
    ...section(
      'Tokens an example',
      histogram(report.tokens, (value) => formatNumber(value)),
    ),
    ...section(
      'Quality',
      histogram(report.quality, (value) => value.toFixed(1)),
    ),
    ...section('Messages an example', histogram(report.messagesPerExample, wholeNumbers)),
    ...section('Characters of the question', histogram(report.questionLength, wholeNumbers)),
    ...section('Characters of the answer', histogram(report.answerLength, wholeNumbers)),
    ...section('Topics', rows(topicRows(topics))),
    ...section('Near-duplicates', words(duplicateWords(duplicates, now))),
    ...section('Personal data', [
      ...words(
        `${formatNumber(personalData.examplesWithFindings)} of ${counted(personalData.scanned, 'searched example')} hold some; ${formatNumber(personalData.unscanned)} still to search; policy ${personalDataPolicy}`,
      ),
      ...rows(
        personalData.byKind.map(({ kind, examples }) => ({ label: kind.toLowerCase(), count: examples })),
      ),
    ]),
    ...section('Split', words(splitWords(report.latestSplit, now))),
    ...section('Cost of training', words(costWords(report.estimate))),
    ...section('What next', nextLines(report.next, width, style)),
  ];

  function histogram({ bins, count, mean }: CliBarsFragment, show: (value: number) => string): string[] {
    if (count === 0) return [];
    const first = bins.findIndex((each) => each.count > 0);
    const shown = bins.slice(first).map(({ from, to, count: inBin }) => ({
      label: to == null ? `${show(from)} and more` : `${show(from)} to ${show(to)}`,
      count: inBin,
    }));
    return [
      ...rows(shown),
      ...(mean == null ? [] : words(`mean ${formatNumber(Math.round(mean * 100) / 100)}`, style.dim)),
    ];
  }
}

const wholeNumbers = (value: number) => formatNumber(value);

/** How many examples came from where, as words. */
const FROM: Record<CliReportFragment['report']['bySource'][number]['source'], string> = {
  CALL: 'from calls',
  MANUAL: 'added by hand',
  IMPORT: 'imported',
};

function about({ counts, bySource, totalTokens, latestExport }: CliReportFragment['report']): string {
  const sources = bySource.map(({ source, counts: { total } }) => `${formatNumber(total)} ${FROM[source]}`);
  return [
    `${counted(counts.total, 'example')}${sources.length > 0 ? ` (${sources.join(', ')})` : ''}`,
    // What training costs counts the prompts too, and the validated examples alone.
    ...(totalTokens > 0 ? [`${counted(totalTokens, 'token')} without system prompts`] : []),
    latestExport ? `newest export of ${counted(latestExport.exampleCount, 'example')}` : 'not exported yet',
  ].join(' · ');
}

/** The three states share one scale, which each drawn by itself would not. */
function stateRows(
  { total, validated, undecided, rejected }: CliReportFragment['report']['counts'],
  width: number,
  style: Style,
): string[] {
  const list = [
    { label: 'validated', count: validated, paint: style.good },
    { label: 'undecided', count: undecided, paint: style.warn },
    { label: 'rejected', count: rejected, paint: style.bad },
  ];
  return list.flatMap(({ label, count, paint }) =>
    barRows([{ label, count }], width, style, paint, total, list),
  );
}

/** Each row as its label, a bar and its count; the longest bar is the largest count, or `most`. */
function barRows(
  rows: readonly Row[],
  width: number,
  style: Style,
  paint: (text: string) => string,
  most = Math.max(...rows.map(({ count }) => count)),
  alignedWith: readonly Row[] = rows,
): string[] {
  const labelWidth = Math.min(
    WIDEST_LABEL,
    Math.max(...alignedWith.map(({ label }) => widthOf(plain(label)))),
  );
  const countWidth = Math.max(...alignedWith.map(({ count }) => formatNumber(count).length));
  const total = rows === alignedWith ? rows.reduce((sum, { count }) => sum + count, 0) : most;
  const room = width - 2 - labelWidth - 2 - countWidth - 2 - 4;
  return rows.map(({ label, count }) => {
    const { done, left } = bar(most === 0 ? 0 : count / most, Math.max(4, Math.min(WIDEST_BAR, room - 2)));
    const name = pad(shorten(plain(label), labelWidth), labelWidth);
    const share = pad(formatShare(total === 0 ? 0 : count / total), 4, 'right');
    return `  ${name}  ${paint(done)}${style.dim(left)}  ${pad(formatNumber(count), countWidth, 'right')} ${style.dim(share)}`;
  });
}

function topicRows({
  top,
  otherTopics,
  otherExamples,
  withoutTopic,
}: CliReportFragment['report']['topics']): Row[] {
  return [
    ...top.map(({ topic, examples }) => ({ label: topic, count: examples })),
    ...(otherTopics > 0 ? [{ label: counted(otherTopics, 'other topic'), count: otherExamples }] : []),
    ...(top.length > 0 && withoutTopic > 0 ? [{ label: 'no topic', count: withoutTopic }] : []),
  ];
}

function duplicateWords(found: CliReportFragment['report']['duplicates'], now: Date): string {
  if (found.foundAt == null) return 'not looked for yet';
  const when = `looked for on ${formatTime(new Date(found.foundAt), now)}, from a similarity of ${found.threshold ?? 1} on`;
  const what =
    found.groups === 0
      ? 'none'
      : `${counted(found.examples, 'example')} in ${counted(found.groups, 'group')}, ${formatNumber(found.openGroups)} of them open`;
  const since = found.changedSince > 0 ? `; ${counted(found.changedSince, 'example')} changed since` : '';
  return `${what} (${when}${since})`;
}

function splitWords(latest: CliReportFragment['report']['latestSplit'], now: Date): string {
  if (!latest?.split) return 'no export has a validation file yet';
  const { exampleCount, validationExampleCount, createdAt } = latest;
  const { validationShare, seed, groupBy } = latest.split;
  const kept = groupBy === 'CALL' ? 'calls' : 'telephone numbers';
  return `${formatNumber(exampleCount)} for training, ${formatNumber(validationExampleCount)} for validation (exported on ${formatTime(new Date(createdAt), now)}; a share of ${validationShare} was asked for, ${kept} kept together, seed ${seed})`;
}

function costWords(estimate: CliReportFragment['report']['estimate']): string {
  if (!('costUsd' in estimate)) return estimate.message;
  const { provider, baseModel, tokens, epochs, costUsd, priceAsOf, priceSource } = estimate;
  const cost = range(costUsd, formatUsd);
  const each = `${counted(tokens, 'token')} an epoch (of validated examples, with system prompts)`;
  const times = range(epochs, formatNumber);
  return `${cost} for ${baseModel} at ${provider}: ${each}, ${times} ${epochs.upper === 1 ? 'epoch' : 'epochs'}, the price as of ${priceAsOf}. ${priceSource}`;
}

/** What is expected, and the bounds where they differ. */
function range(
  { lower, expected, upper }: { lower: number; expected: number; upper: number },
  show: (value: number) => string,
): string {
  return lower === upper ? show(expected) : `${show(expected)} (${show(lower)} to ${show(upper)})`;
}

/** Lines of at most `width` columns of which nothing is cut off, so that they can be copied: long words go on in the next. */
function whole(text: string, width: number): string[] {
  const pieces = text.split(' ').flatMap((word) => word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? []);
  return wrap(pieces.join(' '), width);
}

function nextLines(next: CliReportFragment['report']['next'], width: number, style: Style): string[] {
  if (next.length === 0) return [`  ${style.good('Nothing: the newest export is trained.')}`];
  return next.flatMap(({ message, operation }, index) => [
    ...wrap(message, width - 5).map(
      (line, at) => `  ${at === 0 ? style.accent(`${index + 1}.`) : '  '} ${line}`,
    ),
    ...whole(operation, width - 5).map((line) => `     ${style.dim(line)}`),
  ]);
}
