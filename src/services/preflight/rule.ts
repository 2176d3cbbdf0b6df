/** What a rule of the pre-flight is, and what it finds. */

export type Severity = 'ERROR' | 'WARNING' | 'INFO';

/** One thing that a provider demands or advises. */
export interface Rule {
  /** A word that programs can rely on. */
  name: string;
  /** ERROR: the provider refuses it, or learns something else than it says. */
  severity: Severity;
  /** What is asked for and what to do, in a sentence for people. */
  message: string;
}

/** Tells that a rule is broken: by which field of the line or of the launch, and what was found there. */
export type Tell = (rule: Rule, field: string | null, found?: string) => void;

export interface Finding {
  severity: Severity;
  rule: string;
  message: string;
  /** The line of the file, counted from 1; null for what is said of no line. */
  line: number | null;
  /** The key in the line, as a path such as `messages[2].content`, or the launch's own argument; null for neither. */
  field: string | null;
  /** The example that the line is made of, where it is known. */
  exampleId: string | null;
}

export interface Total {
  severity: Severity;
  rule: string;
  count: number;
}

export interface Report {
  /** Whether there is no ERROR. */
  ok: boolean;
  /** How many lines were looked at. */
  checked: number;
  /** The gravest first, then by line; no more of them than was asked for. */
  findings: Finding[];
  /** Every finding counted, those that are not listed too. */
  totals: Total[];
}

const rule =
  (severity: Severity) =>
  (name: string, message: string): Rule => ({ name, severity, message });

export const error = rule('ERROR');
export const warning = rule('WARNING');
export const info = rule('INFO');

/** What was found, as messages quote it: JSON, cut short. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
