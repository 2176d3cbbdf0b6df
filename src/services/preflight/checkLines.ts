/** Judges the lines of a file, one after the other, and the file they make. */
import { createHash } from 'node:crypto';
import { isRecord } from '../importFormats/types.ts';
import { fileRules, MAX_LINE_BYTES } from './fileRules.ts';
import type { Findings } from './findings.ts';
import { lineTokens } from './lineTokens.ts';
import type { Limits, RulePack } from './pack.ts';
import type { Rule } from './rule.ts';

/** A line without the newline at its end. */
export interface RawLine {
  bytes: Uint8Array;
  exampleId?: string | null;
  /** How many tokens it has, where that is known without counting. */
  tokens?: number | null;
}

export interface FileToCheck {
  pack: RulePack;
  /** An export format. */
  format: string;
  limits: Limits;
  /** A validation file may be of any length. */
  part: 'TRAINING' | 'VALIDATION';
  /** How many lines precede the first in the numbering of lines. */
  linesBefore?: number;
  findings: Findings;
}

export interface LineChecker {
  check(line: RawLine): Promise<void>;
  /** To be called after the last line; `bytes` is the whole file's size. Returns how many lines there were. */
  end(bytes: number): number;
}

/** Lines are remembered up to this many, to know them again; what a line is known by takes some 40 bytes. */
const MOST_REMEMBERED = 1_000_000;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const BLANK = new Set([0x09, 0x0a, 0x0d, 0x20]);

export function checkLines(file: FileToCheck): LineChecker {
  const { pack, format, limits, part, findings, linesBefore = 0 } = file;
  const judge = pack.formats[format];
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const seen = new Set<number>();
  let lines = 0;
  if (judge === undefined) findings.add(fileRules.formatNotTrained, {}, format);

  async function check({ bytes, exampleId = null, tokens = null }: RawLine): Promise<void> {
    lines += 1;
    if (judge === undefined) return;
    const line = linesBefore + lines;
    const tell = (rule: Rule, field: string | null = null, found?: string) =>
      findings.add(rule, { line, field, exampleId }, found);

    const marked = lines === 1 && BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte);
    if (marked) tell(fileRules.byteOrderMark);
    const content = marked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
    if (content.length > MAX_LINE_BYTES) {
      tell(fileRules.lineTooLong);
      return;
    }
    if (content.every((byte) => BLANK.has(byte))) {
      tell(fileRules.blankLine);
      return;
    }
    if (isKnown(content, seen)) tell(fileRules.duplicateLine);
    const parsed = parse(content, decoder);
    if ('fault' in parsed) {
      tell(parsed.fault);
      return;
    }
    judge(parsed.line, tell);
    // A token has a byte at the least, and what a message costs beside its text is less than its JSON.
    const most = tokens ?? content.length;
    if (most <= limits.maxExampleTokens) return;
    const counted = tokens ?? (await lineTokens(parsed.line));
    if (counted > limits.maxExampleTokens)
      tell(
        fileRules.exampleTooLong,
        null,
        `${counted} tokens, of which ${limits.maxExampleTokens} are taken`,
      );
  }

  return {
    check,
    end(bytes) {
      if (bytes > limits.maxFileBytes)
        findings.add(fileRules.fileTooLarge, {}, `${bytes} bytes, of which ${limits.maxFileBytes} are taken`);
      if (judge === undefined) return lines;
      if (lines === 0) findings.add(fileRules.emptyFile, {});
      else if (part === 'TRAINING' && lines < limits.minExamples)
        findings.add(fileRules.tooFewExamples, {}, `${lines}, and ${limits.minExamples} are needed`);
      else if (part === 'TRAINING')
        pack.count(lines, (rule, field, found) => findings.add(rule, { field }, found));
      return lines;
    },
  };
}

function parse(bytes: Uint8Array, decoder: TextDecoder): { line: Record<string, unknown> } | { fault: Rule } {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { fault: fileRules.invalidUtf8 };
  }
  try {
    const line: unknown = JSON.parse(text);
    return isRecord(line) ? { line } : { fault: fileRules.notAnObject };
  } catch {
    return { fault: fileRules.invalidJson };
  }
}

/** Whether a line of these bytes came before. 48 bits of SHA-1: of a million lines two are mistaken once in 500 files. */
function isKnown(bytes: Uint8Array, seen: Set<number>): boolean {
  const digest = createHash('sha1').update(bytes).digest().readUIntBE(0, 6);
  if (seen.has(digest)) return true;
  if (seen.size < MOST_REMEMBERED) seen.add(digest);
  return false;
}
