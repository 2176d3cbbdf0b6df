/**
 * What all test servers of a run logged, in files that are searched when the run is over (globalSetup.ts) for secrets
 * that tests planted. Such a secret goes by every way that a client or a provider has, and must be in no line.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LOGS = 'log-';
const PLANTED = 'planted-';

const directory = () => join(tmpdir(), `tunesmith-logs-${process.env['TEST_RUN_ID']}`);

export function openArchive(): void {
  mkdirSync(directory(), { recursive: true });
}

export function keepLog(line: string): void {
  appendFileSync(join(directory(), `${LOGS}${process.pid}`), line);
}

/** A text that stands nowhere else, and is to stand in no log. The prefix makes it look like what it stands for. */
export function plantSecret(prefix = ''): string {
  const secret = `${prefix}${randomBytes(9).toString('hex')}`;
  noteSecret(secret);
  return secret;
}

/** One more, that could not be made by `plantSecret`: a signature, a telephone number. */
export function noteSecret(secret: string): void {
  appendFileSync(join(directory(), `${PLANTED}${process.pid}`), `${secret}\n`);
}

/** Which planted secrets the given text holds; the random part of one is enough. */
export function secretsIn(text: string, secrets: readonly string[]): string[] {
  return secrets.filter((secret) => text.includes(secret) || text.includes(secret.slice(-18)));
}

export interface Searched {
  lines: number;
  secrets: number;
  /** Lines that hold a secret. */
  leaks: string[];
}

/** Searches all that was logged in this run, and removes the files. */
export function searchArchive(): Searched {
  const path = directory();
  const read = (kind: string) =>
    readdirSync(path)
      .filter((name) => name.startsWith(kind))
      .flatMap((name) => readFileSync(join(path, name), 'utf8').split('\n'))
      .filter((line) => line !== '');
  const [lines, secrets] = [read(LOGS), read(PLANTED)];
  const whole = lines.join('\n');
  const leaked = secretsIn(whole, secrets);
  const leaks = leaked.length === 0 ? [] : lines.filter((line) => secretsIn(line, leaked).length > 0);
  rmSync(path, { recursive: true, force: true });
  return { lines: lines.length, secrets: secrets.length, leaks };
}
