import { readFileSync } from 'node:fs';
import {
  buildClientSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
  type IntrospectionQuery,
} from 'graphql';
import { beforeAll, expect, test } from 'vitest';
import { schema } from '../src/schema/index.ts';
import { newTenant, sharedServer } from './support/server.ts';

// The first file that needs it waits for the server to start.
beforeAll(sharedServer, 120_000);

const STEPS = ['import', '1-create', '2-collect', '3-export', '4-launch', '5-monitor', '6-use'];

async function page() {
  const client = await newTenant();
  const response = await client.fetch('/graphql', { headers: { accept: 'text/html,application/xhtml+xml' } });
  return { response, html: await response.text() };
}

test('a browser gets GraphiQL with the import and the six steps as tabs, and is told where its key goes', async () => {
  const { response, html } = await page();
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/html');
  expect(html).toContain('<title>Tunesmith</title>');
  for (const step of STEPS) {
    const query = readFileSync(new URL(`../examples/${step}.graphql`, import.meta.url), 'utf8');
    expect(html, step).toContain(JSON.stringify(query).slice(1, -1));
  }
  expect(html).toContain('write your key into Headers');
  // A tab stays under the pointer that presses it.
  expect(html).toMatch(/<style>\.graphiql-tab \{ transform: none !important; \}<\/style>\s*<\/head>/);
});

test('subscriptions go the way on which the headers that are typed in are sent', async () => {
  const { html } = await page();
  expect(html).toContain('"subscriptionsProtocol":"SSE"');
  // A key that is typed in must not stay in the browser.
  expect(html).toContain('"shouldPersistHeaders":false');
});

test('the page needs no other host', async () => {
  const { html } = await page();
  const tags = html.match(/<(script|link|img|iframe|style|base)\b[^>]*>/gi) ?? [];
  expect(tags.filter((tag) => /(src|href)\s*=\s*["']?(https?:)?\/\//i.test(tag))).toEqual([]);
  expect(html).not.toMatch(/@import\s+(url\()?["']?(https?:)?\/\//i);
  expect(html).not.toMatch(/url\(\s*["']?(https?:)?\/\/(?!www\.w3\.org)/i);
  expect(html).not.toMatch(/\b(from|import)\s*\(?\s*["']https?:\/\//);
  expect(html).not.toMatch(
    /(unpkg\.com|cdn\.jsdelivr\.net|esm\.sh|cdnjs\.cloudflare\.com|fonts\.googleapis\.com)/,
  );
});

test('programs that open the page’s address get no page', async () => {
  const client = await newTenant();
  const response = await client.fetch('/graphql', { headers: { accept: 'application/json' } });
  expect(response.headers.get('content-type')).not.toContain('html');
  expect(await response.json()).toMatchObject({ errors: [{ message: 'Must provide query string.' }] });
});

test('introspection gives the schema, with its descriptions', async () => {
  const client = await newTenant();
  const { data, errors } = await client.answer(getIntrospectionQuery({ specifiedByUrl: true }));
  expect(errors).toBeUndefined();
  const told = buildClientSchema(data as unknown as IntrospectionQuery);
  expect(printSchema(lexicographicSortSchema(told))).toBe(printSchema(lexicographicSortSchema(schema)));
});
