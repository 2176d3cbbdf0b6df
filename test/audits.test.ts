/** The GraphQL over HTTP specification, as graphql-http audits a server: every MUST, SHOULD and MAY. */
import { serverAudits } from 'graphql-http';
import { expect, test } from 'vitest';
import { newTenant } from './support/server.ts';

/** What a page in a browser cannot send to another site without asking first. */
const PREFLIGHT = { 'x-tunesmith-csrf': '1' };

test('the server passes every audit of graphql-http, with no warning and no notice', async () => {
  const client = await newTenant();
  const audits = serverAudits({
    url: `${client.url}/graphql`,
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, {
        ...init,
        headers: { ...client.headers, ...PREFLIGHT, ...(init.headers as Record<string, string>) },
      }),
  });
  expect(audits.length).toBeGreaterThanOrEqual(61);
  const failed: object[] = [];
  for (const { fn } of audits) {
    const result = await fn();
    if (result.status === 'ok') continue;
    const { id, name, status, reason, response } = result;
    failed.push({ id, name, status, reason, answered: response.status });
  }
  expect(failed).toEqual([]);
});
