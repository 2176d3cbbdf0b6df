/** The first key: made on the database by `tunesmith keys`, good on a server that wants credentials. */
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createServerDatabase } from '../support/database.ts';
import { lastJson, runCli, startCliServer, temporaryDirectory } from './support.ts';

const LONG = 120_000;
const temporary = temporaryDirectory();
afterAll(() => temporary.remove());

/** The database that commands and servers of one test share: embedded, or on the server that tests use. */
async function place(name: string): Promise<Record<string, string>> {
  const databaseUrl = await createServerDatabase();
  const dataDir = { DATA_DIR: join(temporary.path, name) };
  return databaseUrl === undefined ? dataDir : { ...dataDir, DATABASE_URL: databaseUrl };
}

const KEY = /^tsk_[0-9a-f]{8}_[\w-]{32}$/;

async function ask(url: string, key: string, query = '{ datasets { totalCount } }') {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, answer: await response.text() };
}

test(
  'a key lets in, with its role and to its tenant, until it is revoked',
  async () => {
    const env = await place('whole');
    const tenant = await runCli(['tenants', 'create', 'Acme'], env);
    expect(tenant).toMatchObject({ code: 0, stderr: expect.stringContaining('keys create --tenant') });
    const made = await runCli(['keys', 'create', '--name', 'laptop', '--role', 'ADMIN'], env);
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('good without end') });
    const key = made.stdout.trim();
    expect(key).toMatch(KEY);
    expect(made.stderr).not.toContain(key);

    const acme = ['--tenant', 'Acme', '--json'];
    const other = await runCli(
      ['keys', 'create', '--name', 'reader', '--role', 'viewer', '--expires', '90d', ...acme],
      env,
    );
    const said = lastJson(other.stdout) as { key: string; prefix: string; expiresAt: string };
    expect(said).toMatchObject({
      key: expect.stringMatching(KEY),
      name: 'reader',
      prefix: said.key.slice(0, 12),
      role: 'VIEWER',
      createdBy: 'command line',
      revokedAt: null,
    });
    expect(Date.parse(said.expiresAt) - Date.now()).toBeGreaterThan(89.9 * 86_400_000);
    expect(Date.parse(said.expiresAt) - Date.now()).toBeLessThanOrEqual(90 * 86_400_000);

    const admin = ['keys', 'create', '--name', 'boss', '--role', 'ADMIN', '--tenant', 'Acme'];
    const boss = (await runCli(admin, env)).stdout.trim();

    const server = await startCliServer({ ...env, AUTH: 'required' });
    try {
      const create = 'mutation { createDataset(input: { name: "x" }) { __typename } }';
      expect(await ask(server.url, key, create)).toMatchObject({
        status: 200,
        answer: '{"data":{"createDataset":{"__typename":"Dataset"}}}',
      });
      expect((await ask(server.url, key)).answer).toBe('{"data":{"datasets":{"totalCount":1}}}');
      expect((await ask(server.url, said.key)).answer).toBe('{"data":{"datasets":{"totalCount":0}}}');
      expect((await ask(server.url, said.key, create)).answer).toContain('ForbiddenError');
      expect((await ask(server.url, `${key}x`)).status).toBe(401);
      // Of the tenant's making its own log tells, and no other.
      const making =
        '{ auditLog(filter: { subjectType: "Tenant" }) { edges { node { action actor subjectId detail } } } }';
      expect(JSON.parse((await ask(server.url, boss, making)).answer)).toEqual({
        data: {
          auditLog: {
            edges: [
              {
                node: {
                  action: 'CREATE_TENANT',
                  actor: 'command line',
                  subjectId: tenant.stdout.trim(),
                  detail: { name: 'Acme' },
                },
              },
            ],
          },
        },
      });
      expect((await ask(server.url, key, making)).answer).toBe('{"data":{"auditLog":{"edges":[]}}}');
      const audit = '{ auditLog(filter: { subjectType: "ApiKey" }) { edges { node { action actor } } } }';
      expect((await ask(server.url, key, audit)).answer).toContain(
        '"action":"CREATE_API_KEY","actor":"command line"',
      );
    } finally {
      await server.close();
    }

    const list = await runCli(['keys', 'list'], env);
    expect(list.stdout).toMatch(/^NAME .*\n.*laptop +tsk_[0-9a-f]{8} +ADMIN +good/);
    expect(list.stdout).not.toContain('reader');
    expect(list.stdout).not.toContain(key.slice(13));
    const revoked = await runCli(['keys', 'revoke', key.slice(0, 12)], env);
    expect(revoked).toMatchObject({ code: 0, stdout: expect.stringContaining('“laptop”') });
    const again = await runCli(['keys', 'revoke', key], env);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('revoked already') });
    expect(again.stderr).not.toContain(key);
    expect(
      lastJson((await runCli(['keys', 'list', ...acme], env)).stdout.replaceAll('\n', '')),
    ).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ name: 'reader', revokedAt: null, lastUsedAt: expect.any(String) }),
      ]),
    );
    const after = await startCliServer({ ...env, AUTH: 'required' });
    try {
      expect((await ask(after.url, key)).status).toBe(401);
      expect((await ask(after.url, said.key)).status).toBe(200);
    } finally {
      await after.close();
    }
  },
  LONG,
);

describe('what cannot be is told in one line', () => {
  test(
    'of names and tenants',
    async () => {
      const env = await place('wrong');
      const create = ['keys', 'create', '--role', 'ADMIN', '--name'];
      expect(await runCli([...create, 'one'], env)).toMatchObject({ code: 0 });
      for (const [args, told] of [
        [[...create, 'one'], 'Error: --name must not be the name of another key'],
        [[...create, 'one', '--tenant', 'nobody'], 'There is no tenant nobody. "tunesmith tenants list"'],
        [
          ['keys', 'revoke', 'tsk_00000000'],
          'There is no key tsk_00000000 in this tenant. "tunesmith keys list"',
        ],
        [['tenants', 'create', 'default'], 'There is a tenant default already'],
      ] as [string[], string][]) {
        const { code, stdout, stderr } = await runCli(args, env);
        expect({ code, stdout, stderr }).toEqual({
          code: 1,
          stdout: '',
          stderr: expect.stringContaining(told),
        });
        expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      }
      expect((await runCli(['tenants', 'list'], env)).stdout).toMatch(
        /^NAME +ID +CREATED\ndefault +00000000-0000-7000-8000-000000000001 /,
      );
    },
    LONG,
  );

  test.each([
    ['no role', ['keys', 'create', '--name', 'x']],
    ['no name', ['keys', 'create', '--role', 'ADMIN']],
    ['an unknown role', ['keys', 'create', '--name', 'x', '--role', 'OWNER']],
    ['a time without a unit', ['keys', 'create', '--name', 'x', '--role', 'ADMIN', '--expires', '90']],
    ['no time', ['keys', 'create', '--name', 'x', '--role', 'ADMIN', '--expires', '0d']],
    ['a tenant without a name', ['tenants', 'create', ' ']],
    ['a tenant named like an id', ['tenants', 'create', '00000000-0000-7000-8000-000000000002']],
  ])('%s is wrong usage', async (_what, args) => {
    expect(await runCli(args, { DATA_DIR: join(temporary.path, 'none') })).toMatchObject({
      code: 2,
      stdout: '',
    });
  });

  test(
    'of a directory that a server has',
    async () => {
      const env = { DATA_DIR: join(temporary.path, 'busy') };
      const server = await startCliServer(env);
      try {
        const { code, stdout, stderr } = await runCli(
          ['keys', 'create', '--name', 'x', '--role', 'ADMIN'],
          env,
        );
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
        expect(stderr).toContain(`is in use by process ${process.pid}`);
        expect(stderr).toContain('createApiKey');
      } finally {
        await server.close();
      }
    },
    LONG,
  );
});

// The embedded database is one process's.
test.skipIf(!process.env['TEST_DATABASE_URL'])(
  'a key is made beside a server on PostgreSQL, which takes it at once and ends it within seconds',
  async () => {
    const env = await place('beside');
    const server = await startCliServer({ ...env, AUTH: 'required' });
    try {
      const { stdout } = await runCli(['keys', 'create', '--name', 'x', '--role', 'VIEWER'], env);
      const key = stdout.trim();
      expect((await ask(server.url, key)).status).toBe(200);
      expect(await runCli(['keys', 'revoke', key.slice(0, 12)], env)).toMatchObject({ code: 0 });
      await expect.poll(async () => (await ask(server.url, key)).status, { timeout: 10_000 }).toBe(401);
    } finally {
      await server.close();
    }
  },
  LONG,
);
