/** The pre-flight is held to the corpus: exactly the rules that a case names, and each rule tripped by a case. */
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { checkLines } from '../src/services/preflight/checkLines.ts';
import { collectFindings } from '../src/services/preflight/findings.ts';
import { openai } from '../src/services/preflight/openai.ts';
import { packs } from '../src/services/preflight/packs.ts';
import { rawLines } from '../src/services/preflight/rawLines.ts';
import type { Report } from '../src/services/preflight/rule.ts';
import { bytesOf, chatCases, fileCases, launchCases, preferenceCases } from './support/conformance.ts';

/** Rules that were told, those that refuse and those that advise, each once. */
function told({ totals }: Report) {
  const of = (refuses: boolean) =>
    totals.filter(({ severity }) => (severity === 'ERROR') === refuses).map(({ rule }) => rule);
  return { refusedBy: of(true).toSorted(), notes: of(false).toSorted() };
}
const said = ({ refusedBy, notes }: { refusedBy: string[]; notes: string[] }) => ({
  refusedBy: refusedBy.toSorted(),
  notes: notes.toSorted(),
});

async function checkedLine(text: string, format: string): Promise<Report> {
  const findings = collectFindings(100);
  const limits = { ...openai.limits, minExamples: 1 };
  const checker = checkLines({
    pack: openai,
    format,
    limits,
    part: 'VALIDATION',
    findings,
  });
  await checker.check({ bytes: Buffer.from(text) });
  return findings.report(checker.end(text.length));
}

test.each(chatCases)('chat: $name', async (one) => {
  expect(told(await checkedLine(one.text, 'OPENAI_CHAT_JSONL'))).toEqual(said(one));
});

test.each(preferenceCases)('preferences: $name', async (one) => {
  expect(told(await checkedLine(one.text, 'OPENAI_DPO_JSONL'))).toEqual(said(one));
});

test.each(fileCases)('file: $name', async (one) => {
  const findings = collectFindings(100);
  const bytes = bytesOf(one);
  const { format, part } = one;
  const checker = checkLines({ pack: openai, format, limits: openai.limits, part, findings });
  const chunks = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, n) =>
    bytes.subarray(n * 1000, n * 1000 + 1000),
  );
  for await (const line of rawLines(Readable.from(chunks))) await checker.check({ bytes: line });
  const lines = checker.end(one.declaredBytes ?? bytes.length);
  expect(lines).toBe(one.examples + one.more.length);
  expect(told(findings.report(lines))).toEqual(said(one));
});

test.each(launchCases)('launch: $name', (one) => {
  const findings = collectFindings(100);
  openai.settings(one.settings, (rule, field, found) => findings.add(rule, { field }, found));
  expect(told(findings.report(0))).toEqual(said(one));
});

test('each rule of each pack is tripped by a case', () => {
  const cases = [...chatCases, ...preferenceCases, ...fileCases, ...launchCases];
  const tripped = new Set(cases.flatMap(({ refusedBy, notes }) => [...refusedBy, ...notes]));
  for (const pack of packs) {
    const names = pack.rules.map(({ name }) => name);
    expect(new Set(names).size, pack.provider).toBe(names.length);
    expect(
      names.filter((name) => !tripped.has(name)),
      pack.provider,
    ).toEqual([]);
    expect(
      [...tripped].filter((name) => !names.includes(name)),
      pack.provider,
    ).toEqual([]);
  }
  expect(cases.length).toBeGreaterThanOrEqual(120);
  expect(cases.filter(({ refusedBy }) => refusedBy.length === 0).length).toBeGreaterThan(60);
  const names = [chatCases, preferenceCases, fileCases, launchCases].map((list) =>
    list.map(({ name }) => name),
  );
  for (const list of names) expect(new Set(list).size).toBe(list.length);
});
