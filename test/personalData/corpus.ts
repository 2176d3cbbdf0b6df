/** The labelled transcript lines of corpus.txt, lowerCase.txt and unseen.txt, and how well findings meet the labels. */
import { readFileSync } from 'node:fs';
import type { Finding, PersonalDataKind } from '../../src/services/personalData/kinds.ts';

export interface Label {
  kind: PersonalDataKind;
  start: number;
  end: number;
}

export interface Line {
  text: string;
  labels: Label[];
  /** Whether the rules were made without looking at this line's result. */
  heldOut: boolean;
}

export interface Score {
  labels: number;
  /** Labels of which findings of their kind cover every letter and digit. */
  recalled: number;
  findings: number;
  /** Findings at least half of which lies in labels of their kind. */
  right: number;
}

/**
 * A line a row, what is personal data within `<KIND>` and `</KIND>`. Every third line of corpus.txt is held out, and the
 * whole of unseen.txt, which was written before the rules were mended on what lowerCase.txt had shown.
 */
export function readCorpus(): Line[] {
  return [
    ...rowsOf('corpus.txt').map((row, index) => ({ ...readRow(row), heldOut: index % 3 === 2 })),
    ...rowsOf('lowerCase.txt').map((row) => ({ ...readRow(row), heldOut: false })),
    ...rowsOf('unseen.txt').map((row) => ({ ...readRow(row), heldOut: true })),
  ];
}

function rowsOf(name: string): string[] {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean);
}

function readRow(row: string): { text: string; labels: Label[] } {
  const labels: Label[] = [];
  let text = '';
  let from = 0;
  for (const match of row.matchAll(/<([A-Z_]+)>(.*?)<\/\1>/g)) {
    text += row.slice(from, match.index);
    const inner = match[2] ?? '';
    labels.push({ kind: match[1] as PersonalDataKind, start: text.length, end: text.length + inner.length });
    text += inner;
    from = match.index + match[0].length;
  }
  return { text: text + row.slice(from), labels };
}

export function scoreOf(
  lines: Line[],
  find: (text: string) => Finding[],
  missed?: (line: Line, what: string) => void,
): Map<PersonalDataKind, Score> {
  const scores = new Map<PersonalDataKind, Score>();
  const scoreFor = (kind: PersonalDataKind): Score => {
    const score = scores.get(kind) ?? { labels: 0, recalled: 0, findings: 0, right: 0 };
    scores.set(kind, score);
    return score;
  };
  for (const line of lines) {
    const findings = find(line.text);
    for (const label of line.labels) {
      const score = scoreFor(label.kind);
      const same = findings.filter(({ kind }) => kind === label.kind);
      score.labels += 1;
      if (isCovered(line.text, label, same)) score.recalled += 1;
      else missed?.(line, `missed ${label.kind} "${line.text.slice(label.start, label.end)}"`);
    }
    for (const finding of findings) {
      const score = scoreFor(finding.kind);
      const inLabels = line.labels
        .filter(({ kind }) => kind === finding.kind)
        .reduce(
          (sum, label) =>
            sum + Math.max(0, Math.min(label.end, finding.end) - Math.max(label.start, finding.start)),
          0,
        );
      score.findings += 1;
      if (inLabels * 2 >= finding.end - finding.start) score.right += 1;
      else
        missed?.(
          line,
          `wrong ${finding.kind} "${line.text.slice(finding.start, finding.end)}" (${finding.rule})`,
        );
    }
  }
  return scores;
}

function isCovered(text: string, label: Label, findings: Finding[]): boolean {
  for (let index = label.start; index < label.end; index += 1) {
    const matters = /[\p{L}\p{N}]/u.test(text.charAt(index));
    if (matters && !findings.some(({ start, end }) => start <= index && index < end)) return false;
  }
  return true;
}
