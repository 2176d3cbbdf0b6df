#!/usr/bin/env node
import { CommanderError } from 'commander';
import { safeError } from '../observe/safeError.ts';
import { CliError, InterruptedError } from './failure.ts';
import { createProgram } from './program.ts';
import { openTerminal } from './terminal.ts';
import { harmless } from './terminalText.ts';

// Whoever reads us may stop early, as `tunesmith runs | head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = told(error);
  // A server that could not be started may have left something that would keep the process.
  process.exit();
}

/** Tells of a failure and returns the exit code. */
function told(error: unknown): number {
  // commander has printed its message already; help and version are no failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof InterruptedError) return error.exitCode;
  const { style, print } = openTerminal(process.stderr);
  if (error instanceof CliError) {
    // Messages quote names and words from elsewhere.
    const [first = '', ...more] = error.message.split('\n').map(harmless);
    print(`${style.bad('Error:')} ${first}`, ...more);
    return error.exitCode;
  }
  // A stack says nothing to most people; it is for who looks for the fault.
  const { type, code, message } = safeError(error);
  const what = [type, code, message && harmless(message)].filter((part) => part !== undefined).join(': ');
  const isDebugged = Boolean(process.env['DEBUG']);
  const where = isDebugged ? '' : ' Run it again with DEBUG=1 to see where.';
  print(`${style.bad('Unexpected error:')} ${what}. This is most likely a fault in Tunesmith.${where}`);
  if (isDebugged) print(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}
