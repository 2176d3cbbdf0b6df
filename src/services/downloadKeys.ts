/** The keys that download links are signed with, as they are configured. */
import type { z } from 'zod';
import { DEFAULT_KID, type DownloadKey } from './downloadLinks.ts';

const SHORTEST_SECRET = 32;
const NAMED = /^([\w-]{1,32}):(.*)$/s;

/**
 * Reads a secret, or several with the names that links know them by: `name:secret,name:secret`. What begins with a name
 * and a colon is a list. Says what is wrong through `context`, without the secrets.
 */
export function parseDownloadKeys(text: string, context: z.RefinementCtx<string>): readonly DownloadKey[] {
  const keys = NAMED.test(text) ? text.split(',').map(namedKey) : [{ kid: DEFAULT_KID, secret: text }];
  const problem = problemOf(keys);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  return keys.map(({ kid, secret }) => ({ kid, secret: Buffer.from(secret) }));
}

function namedKey(text: string): { kid: string; secret: string } {
  const [, kid = '', secret = ''] = NAMED.exec(text.trim()) ?? [];
  return { kid, secret };
}

function problemOf(keys: readonly { kid: string; secret: string }[]): string | null {
  if (keys.some(({ kid }) => kid === ''))
    return 'must be one secret, or a list such as name:secret,name:secret with a name for each';
  if (keys.some(({ secret }) => secret.length < SHORTEST_SECRET))
    return `must have at least ${SHORTEST_SECRET} characters, in a list each secret`;
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) return 'must not name two secrets alike';
  return null;
}
