/** `tunesmith doctor`: looks at everything that the server needs, changes no data, and says how to mend what is wrong. */
import type { Finding } from './doctor/check.ts';
import { examine } from './doctor/examine.ts';
import { openTerminal, type Style } from './terminal.ts';
import { counted, pad, widthOf, wrap } from './terminalText.ts';

export interface DoctorOptions {
  json?: boolean;
  /** In gigabytes. */
  minFree: number;
}

const GIGABYTE = 1e9;
const MARKS = { ok: '✓', warn: '!', fail: '✗' };
const NARROWEST = 30;

/** Returns the exit code. */
export async function doctor({ json = false, minFree }: DoctorOptions): Promise<0 | 1> {
  const findings = await examine(minFree * GIGABYTE);
  const failed = findings.filter(({ status }) => status === 'fail');
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: failed.length === 0, checks: findings })}\n`);
  } else {
    const { print, style, width } = openTerminal(process.stdout);
    print(...screen(findings, style, width()));
  }
  return failed.length === 0 ? 0 : 1;
}

function screen(findings: Finding[], style: Style, width: number): string[] {
  const names = Math.max(...findings.map(({ check }) => widthOf(check)));
  const indent = ' '.repeat(names + 6);
  const room = Math.max(NARROWEST, Math.min(width, 110) - indent.length);
  const paint = { ok: style.good, warn: style.warn, fail: style.bad };
  const rows = findings.flatMap(({ check, status, found, mend }) => {
    const [first = '', ...more] = wrap(found, room);
    const mending = mend === null ? [] : wrap(mend, room - 2);
    return [
      `  ${paint[status](MARKS[status])} ${style.strong(pad(check, names))}  ${status === 'ok' ? style.dim(first) : first}`,
      ...more.map((line) => `${indent}${status === 'ok' ? style.dim(line) : line}`),
      ...mending.map((line, index) => `${indent}${style.accent(`${index === 0 ? '→' : ' '} ${line}`)}`),
    ];
  });
  return ['', ...rows, '', `  ${verdict(findings, style)}`, ''];
}

function verdict(findings: Finding[], style: Style): string {
  const count = (status: Finding['status']) => findings.filter((one) => one.status === status).length;
  const [failed, warned] = [count('fail'), count('warn')];
  if (failed === 0 && warned === 0) return style.good('All is well.');
  const parts = [
    ...(failed > 0 ? [style.bad(counted(failed, 'fault'))] : []),
    ...(warned > 0 ? [style.warn(`${counted(warned, 'thing')} worth a look`)] : []),
  ];
  return `${parts.join(', ')}.`;
}
