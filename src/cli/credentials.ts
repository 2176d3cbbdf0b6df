/** The key that the client commands sign in with. It is sent, and never shown. */
import { CliError, NotServedError } from './failure.ts';

/** A server, and who one is there. */
export interface Target {
  url: string;
  /** An API key, or an access token; without it one is who the server takes everybody for, if it takes anybody. */
  apiKey?: string | undefined;
}

/** Reads --api-key and its variable. Throws CliError, and not commander's error, which would quote the key. */
export function parseApiKey(text: string): string | undefined {
  const key = text.trim();
  if (/[^\x21-\x7e]/.test(key))
    throw new CliError(
      'What TUNESMITH_API_KEY or --api-key gives is no key: it has spaces, or signs beyond ASCII.',
      2,
    );
  return key === '' ? undefined : key;
}

/** As a header, or as a connection's parameter. */
export function authorizationOf({ apiKey }: Target): { authorization?: string } {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}

/** That the server does not know who asks, and what to do about it. */
export function notSignedIn({ url, apiKey }: Target): NotServedError {
  return new NotServedError(
    apiKey === undefined
      ? `The server at ${url} serves only who signs in. Set TUNESMITH_API_KEY to an API key; "tunesmith keys create" makes one where the server runs.`
      : `The server at ${url} does not take the key that TUNESMITH_API_KEY or --api-key gives: it is unknown, revoked or expired. Set TUNESMITH_API_KEY to another.`,
  );
}
