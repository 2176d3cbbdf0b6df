import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../src/paths.ts';
import { openTestDatabase } from './support/database.ts';
import { openSocket } from './support/follow.ts';
import { metricNames, readSeries, type Series } from './support/prometheus.ts';
import { ended, launch, newDataset } from './support/runs.ts';
import { sharedServer, startTestServer, type TestServer } from './support/server.ts';

let server: TestServer;

async function scrape(headers: Record<string, string> = {}): Promise<{ text: string; series: Series }> {
  const response = await fetch(`${server.url}/metrics`, { headers });
  const text = await response.text();
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    expect.stringContaining('text/plain; version=0.0.4'),
  ]);
  return { text, series: readSeries(text) };
}

/** How much a series has grown since. */
const grown = (before: Series, after: Series, name: string) =>
  (after.get(name) ?? 0) - (before.get(name) ?? 0);

const followers = async () => {
  const { series } = await scrape();
  return [series.get('tunesmith_websockets'), series.get('tunesmith_subscriptions')];
};

const read = (path: string) => readFileSync(new URL(path, packageRoot), 'utf8');

describe('a server', () => {
  beforeEach(async () => {
    server = await sharedServer();
  });

  test('counts and times requests and operations', async () => {
    const client = await server.asNewTenant();
    const { series: before } = await scrape();
    await client.answer('{ datasets { totalCount } }');
    await client.answer('mutation { createDataset(input: { name: "x" }) { __typename } }');
    await client.answer('{ nothing }');
    await client.answer('{ datasets ');
    const { series } = await scrape();
    const count = (name: string) => grown(before, series, name);
    // Tests beside this one ask the same server, hence at least.
    expect(
      count('tunesmith_http_requests_total{route="/graphql",method="POST",status="200"}'),
    ).toBeGreaterThanOrEqual(2);
    expect(count('tunesmith_http_request_duration_seconds_count{route="/graphql"}')).toBeGreaterThanOrEqual(
      4,
    );
    expect(count('tunesmith_graphql_operations_total{type="query",outcome="ok"}')).toBeGreaterThanOrEqual(1);
    expect(count('tunesmith_graphql_operations_total{type="mutation",outcome="ok"}')).toBeGreaterThanOrEqual(
      1,
    );
    expect(count('tunesmith_graphql_operations_total{type="unknown",outcome="error"}')).toBe(2);
    expect(count('tunesmith_graphql_operation_duration_seconds_count{type="query"}')).toBeGreaterThanOrEqual(
      1,
    );
  });

  test('tells of its process and its event loop', async () => {
    const { series } = await scrape();
    expect(series.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(series.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    expect(series.get('tunesmith_database_up')).toBe(1);
  });

  test('tells runs, tokens, costs and what the provider was asked', async () => {
    const client = await server.asNewTenant();
    const datasetId = await newDataset(client, 12);
    const { series: before } = await scrape();
    const run = await ended(client, (await launch(client, { datasetId })).id);
    expect(run.status).toBe('SUCCEEDED');
    // The figures are kept for some seconds.
    await expect
      .poll(
        async () =>
          grown(before, (await scrape()).series, 'tunesmith_trained_tokens{provider="sandbox"}') >=
          (run.trainedTokens ?? 0),
        { timeout: 20_000 },
      )
      .toBe(true);
    const { series } = await scrape();
    expect(grown(before, series, 'tunesmith_training_runs{status="SUCCEEDED"}')).toBeGreaterThanOrEqual(1);
    expect(series.get('tunesmith_training_runs{status="NEEDS_REVIEW"}')).toBeTypeOf('number');
    expect(series.get('tunesmith_training_cost_usd{provider="sandbox"}')).toBeGreaterThan(0);
    for (const operation of ['uploadFile', 'createJob', 'getJob', 'listEvents']) {
      const labels = `{provider="sandbox",operation="${operation}"`;
      expect(series.get(`tunesmith_provider_calls_total${labels},outcome="ok"}`)).toBeGreaterThan(0);
      expect(series.get(`tunesmith_provider_call_duration_seconds_count${labels}}`)).toBeGreaterThan(0);
    }
  }, 60_000);

  test('tells when each job last ended', async () => {
    const age = async () =>
      (await scrape()).series.get('tunesmith_job_last_tick_age_seconds{job="pollRuns"}') ?? Infinity;
    await expect.poll(age, { timeout: 20_000 }).toBeLessThan(5);
    const { series } = await scrape();
    expect(series.get('tunesmith_job_runs_total{job="pollRuns",outcome="ok"}')).toBeGreaterThan(0);
    // The hourly job has most likely not run; its age is then that of the server.
    expect(series.get('tunesmith_job_last_tick_age_seconds{job="sweepExports"}')).toBeGreaterThan(0);
  }, 60_000);

  test('holds nothing of a tenant, and no more series whatever is asked', async () => {
    const client = await server.asNewTenant();
    const odd = async () => {
      const id = randomUUID();
      await client.fetch(`/${id}/${id}`);
      await client.fetch(`/exports/${client.tenantId}/${id}?signature=${id}`);
      await client.fetch(`/import/examples/${id}`, { method: 'POST' });
      await client.fetch('/graphql', { method: `M${id.slice(0, 4)}`.toUpperCase() }).catch(() => undefined);
      await client.answer(`query q${id.replaceAll('-', '')} { datasets { totalCount } }`);
    };
    await odd();
    const { series: before } = await scrape();
    for (let round = 0; round < 20; round += 1) await odd();
    const { text, series } = await scrape();
    const fresh = [...series.keys()].filter((name) => !before.has(name));
    // Other tests' providers and statuses may come in between; what this one asked for may not.
    expect(fresh.filter((name) => /route=|type=/.test(name) && /other|exports|import/.test(name))).toEqual(
      [],
    );
    expect(text).not.toContain(client.tenantId);
    expect(text).not.toMatch(/[\da-f]{8}-[\da-f]{4}-/);
  });

  test('is for this machine where no token is set, and not for who comes through a proxy', async () => {
    for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip']) {
      const response = await fetch(`${server.url}/metrics`, { headers: { [name]: '203.0.113.7' } });
      expect([response.status, await response.json()]).toMatchObject([403, { error: { code: 'FORBIDDEN' } }]);
    }
    const posted = await fetch(`${server.url}/metrics`, { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('a server of its own', () => {
  afterEach(() => server.close());

  test('asks for its token', async () => {
    const token = 'a token for tests alone, long enough';
    server = await startTestServer({ metricsToken: token });
    for (const authorization of [undefined, 'Bearer', `Bearer ${token}r`, token, `Basic ${token}`]) {
      const response = await fetch(`${server.url}/metrics`, {
        ...(authorization && { headers: { authorization } }),
      });
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      expect(await response.text()).not.toContain('tunesmith_http');
    }
    await scrape({ authorization: `Bearer ${token}`, 'x-forwarded-for': '203.0.113.7' });
  }, 60_000);

  test('counts who is there, and no longer who left', async () => {
    server = await startTestServer();
    const client = await server.asNewTenant();
    const socket = openSocket(client);
    const one = socket.start('subscription { trainingRunsUpdated { id } }');
    const two = socket.start('subscription { trainingRunsUpdated { id } }');
    for (const { ended: over } of [one, two]) over.catch(() => undefined);
    await expect.poll(followers).toEqual([1, 2]);
    const aborting = new AbortController();
    const stream = await fetch(
      `${server.url}/graphql?query=${encodeURIComponent('subscription { trainingRunsUpdated { id } }')}`,
      { headers: { ...client.headers, accept: 'text/event-stream' }, signal: aborting.signal },
    );
    expect(stream.status).toBe(200);
    await expect.poll(followers).toEqual([1, 3]);
    one.stop();
    await expect.poll(followers).toEqual([1, 2]);
    await socket.close();
    aborting.abort();
    await expect.poll(followers).toEqual([0, 0]);
  }, 60_000);

  test('tells that its database is away, and all the rest', async () => {
    const db = await openTestDatabase(() => undefined);
    server = await startTestServer({ db, pollPattern: '0 0 0 1 1 *' });
    const client = await server.asNewTenant();
    await db.close();
    await client.answer('{ datasets { totalCount } }');
    const { series } = await scrape();
    expect(series.get('tunesmith_database_up')).toBe(0);
    expect(series.get('tunesmith_faults_total')).toBe(1);
    expect([...series.keys()].filter((name) => name.startsWith('tunesmith_training_runs'))).toEqual([]);
  }, 60_000);
});

describe('the documents', () => {
  test('tell of each metric, and of no other', async () => {
    server = await sharedServer();
    const ours = metricNames((await scrape()).text).filter((name) => name.startsWith('tunesmith_'));
    const told = [...read('docs/operating.md').matchAll(/^\| `(tunesmith_\w+)/gm)].map(([, name]) => name);
    expect(new Set(told)).toEqual(new Set(ours));
  });

  test('alert on metrics that there are, each with what to do', async () => {
    server = await sharedServer();
    const names = new Set(metricNames((await scrape()).text));
    const { groups } = parse(read('docs/alerts.yaml')) as { groups: { rules: Rule[] }[] };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(8);
    const operating = read('docs/operating.md');
    for (const { alert, expr, labels, annotations } of rules) {
      const used = [...expr.matchAll(/\b((?:tunesmith|nodejs|process)_\w+)/g)].map(([, name = '']) => name);
      const unknown = used.filter(
        (name) => !names.has(name) && !names.has(name.replace(/_(bucket|sum|count)$/, '')),
      );
      expect({ alert, unknown }).toEqual({ alert, unknown: [] });
      expect(used.length).toBeGreaterThan(0);
      expect(labels.severity).toMatch(/^(page|ticket)$/);
      expect(annotations.summary).not.toBe('');
      expect(operating).toContain(`| \`${alert}\` |`);
    }
    const told = [...operating.matchAll(/^\| `(Tunesmith\w+)` \|/gm)].map(([, alert]) => alert);
    expect(told).toEqual(rules.map(({ alert }) => alert));
  });
});

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string };
}
