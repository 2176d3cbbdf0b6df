import type { Finding, Report, Rule, Severity, Total } from './rule.ts';

const GRAVITY: readonly Severity[] = ['ERROR', 'WARNING', 'INFO'];

/** Where something was found. */
export type Place = Partial<Pick<Finding, 'line' | 'field' | 'exampleId'>>;

export interface Findings {
  add(rule: Rule, place: Place, found?: string): void;
  report(checked: number): Report;
}

/** Counts all that is found and keeps the `first` of each severity, so that many warnings push no error out. */
export function collectFindings(first: number): Findings {
  const kept: Record<Severity, Finding[]> = { ERROR: [], WARNING: [], INFO: [] };
  const totals = new Map<string, Total>();

  return {
    add({ name, severity, message }, { line = null, field = null, exampleId = null }, found) {
      const total = totals.get(name);
      if (total === undefined) totals.set(name, { severity, rule: name, count: 1 });
      else total.count += 1;
      const list = kept[severity];
      if (list.length >= first) return;
      const whole = found === undefined ? message : `${message} Found: ${found}.`;
      list.push({ severity, rule: name, message: whole, line, field, exampleId });
    },
    report: (checked) => ({
      ok: ![...totals.values()].some(({ severity }) => severity === 'ERROR'),
      checked,
      findings: GRAVITY.flatMap((severity) => kept[severity]).slice(0, first),
      totals: [...totals.values()].toSorted(
        (a, b) => GRAVITY.indexOf(a.severity) - GRAVITY.indexOf(b.severity) || (a.rule < b.rule ? -1 : 1),
      ),
    }),
  };
}

export type Warning = Record<'code' | 'message', string>;

/** What a report warns of, a sentence a rule. */
export function warningsIn({ findings, totals }: Report): Warning[] {
  return totals
    .filter(({ severity }) => severity === 'WARNING')
    .map(({ rule, count }) => {
      const first = findings.find((finding) => finding.rule === rule);
      const message =
        first?.message ?? `Pre-flight found ${rule} ${count} times; ask for it with \`preflight\`.`;
      return { code: rule, message: count > 1 ? `${message} This and ${count - 1} more.` : message };
    });
}

/** What was known before, with what is known better now: a warning of each code. */
export function mergeWarnings(before: readonly Warning[], now: readonly Warning[]): Warning[] {
  return [...new Map([...before, ...now].map((known) => [known.code, known])).values()].map(
    ({ code, message }) => ({ code, message }),
  );
}
