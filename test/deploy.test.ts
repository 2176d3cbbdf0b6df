/** The image and compose.yaml hold to what the server is: its files, its variables, its packages. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { MALLOC, NODE_OPTIONS } from '../soak/nodeOptions.ts';
import { readConfig } from '../src/config.ts';
import { packageRoot } from '../src/paths.ts';
import { variables } from '../src/variables.ts';

const read = (path: string) => readFileSync(new URL(path, packageRoot), 'utf8');

const dockerfile = read('Dockerfile');
const service = z.object({
  image: z.string(),
  env_file: z.string().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
});
const compose = z
  .object({ services: z.record(z.string(), service) })
  .parse(parse(read('compose.yaml'), { merge: true }));

test('the image has what the server reads from its package, and runs without rights', () => {
  const copied = [...dockerfile.matchAll(/^COPY --from=build \/app\/(\S+)/gm)].map(([, path = '']) => path);
  expect(copied.filter((path) => !existsSync(new URL(path, packageRoot)))).toEqual([]);
  expect(copied).toEqual(
    expect.arrayContaining(['package.json', 'prisma', 'examples', 'dist', 'node_modules']),
  );
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toContain('/health/ready');
});

test('the image gives Node what `npm start` gives it', () => {
  const [, entry = ''] = /^ENTRYPOINT (.+)$/m.exec(dockerfile) ?? [];
  expect(NODE_OPTIONS).not.toEqual([]);
  expect(JSON.parse(entry)).toEqual(['node', ...NODE_OPTIONS, 'dist/cli.js']);
  const [, set = ''] = /^ENV (.+)$/m.exec(dockerfile) ?? [];
  expect(MALLOC).not.toEqual({});
  expect(set.split(' ')).toEqual(
    expect.arrayContaining(Object.entries(MALLOC).map(([name, value]) => `${name}=${value}`)),
  );
});

test('what the bundles import is there after the pruning of the image', () => {
  const lock = z
    .object({ packages: z.record(z.string(), z.looseObject({})) })
    .parse(JSON.parse(read('package-lock.json')));
  const imported = new Set<string>();
  const files = readdirSync(new URL('dist/', packageRoot), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.js'))) {
    // Not what else looks like an import: a bundle holds the source of GraphiQL, as text.
    for (const [, name = ''] of read(`dist/${file}`).matchAll(
      /(?:^|[;}])(?:import|export)[^;"'`()]*?from ?"([@\w][^"]*)";/gm,
    )) {
      if (!isBuiltin(name))
        imported.add(
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        );
    }
  }
  // All else is bundled. These look for WebAssembly, data or native code beside their own.
  expect([...imported].toSorted()).toEqual([
    '@electric-sql/pglite',
    '@prisma/schema-engine-wasm',
    'fs-native-extensions',
  ]);
  const pruned = [...imported].filter((name) => {
    const found = lock.packages[`node_modules/${name}`];
    return !found || found['dev'] || found['devOptional'] || found['optional'];
  });
  expect(pruned).toEqual([]);
});

test('compose.yaml waits for what it needs, and migrates once', () => {
  const waited = Object.entries(compose.services).flatMap(([name, { depends_on }]) =>
    Object.entries(depends_on).map(([needed, { condition }]) => ({ name, needed, condition })),
  );
  expect(waited.filter(({ needed }) => !(needed in compose.services))).toEqual([]);
  for (const replica of ['one', 'two'])
    expect(waited).toContainEqual({
      name: replica,
      needed: 'migrate',
      condition: 'service_completed_successfully',
    });
  expect(Object.keys(compose.services['proxy']?.depends_on ?? {})).toEqual(['one', 'two']);
});

test('compose.yaml and its secrets set variables that there are, and a server takes them', () => {
  const replica = compose.services['one'];
  const ofServer = replica?.environment ?? {};
  expect(Object.keys(ofServer).filter((name) => !(name in variables))).toEqual([]);
  expect(ofServer).toMatchObject({ AUTH: 'required', HOST: '0.0.0.0' });

  const [secrets, ofDatabase, ofStore] = ['server', 'database', 'store'].map(secretsOf);
  expect(Object.keys(secrets ?? {}).filter((name) => !(name in variables))).toEqual([]);
  expect(secrets?.['S3_ACCESS_KEY_ID']).toBe(ofStore?.['MINIO_ROOT_USER']);
  expect(secrets?.['S3_SECRET_ACCESS_KEY']).toBe(ofStore?.['MINIO_ROOT_PASSWORD']);
  expect(new URL(secrets?.['DATABASE_URL'] ?? '')).toMatchObject({
    password: ofDatabase?.['POSTGRES_PASSWORD'],
    hostname: 'database',
  });
  expect(readConfig({ ...secrets, ...ofServer })).toMatchObject({ AUTH: 'required', S3_BUCKET: 'tunesmith' });
});

test('each container of compose.yaml is given its own secrets and no others', () => {
  const given = Object.entries(compose.services).map(([name, { env_file: file }]) => [name, file]);
  expect(Object.fromEntries(given)).toEqual({
    database: 'deploy/database.env',
    store: 'deploy/store.env',
    bucket: 'deploy/store.env',
    migrate: 'deploy/server.env',
    one: 'deploy/server.env',
    two: 'deploy/server.env',
    proxy: undefined,
  });
  expect(Object.keys(secretsOf('database'))).toEqual(['POSTGRES_PASSWORD']);
  expect(Object.keys(secretsOf('store'))).toEqual(['MINIO_ROOT_USER', 'MINIO_ROOT_PASSWORD']);
  // Neither checked in nor in the image.
  for (const ignored of ['.gitignore', '.dockerignore'])
    expect(read(ignored).split('\n')).toContain('deploy/*.env');
});

/** What the example of a file of secrets has. */
function secretsOf(name: string): Record<string, string> {
  const lines = read(`deploy/${name}.env.example`).matchAll(/^([A-Z_0-9]+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, key = '', value = '']) => [key, value]));
}
