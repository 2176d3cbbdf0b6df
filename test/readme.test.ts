/**
 * What README.md shows is run, in order, and must answer as it says; the tables, files and links of the documents must be
 * true. CONTRIBUTING.md tells how the blocks of the README are read.
 */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { variables } from '../src/variables.ts';
import { graphql } from '../src/generated/gql/index.ts';
import { packageRoot } from '../src/paths.ts';
import type { TestClient } from './support/client.ts';
import { newTenant, sharedServer } from './support/server.ts';

const Unscanned = graphql(`
  query ReadmeUnscanned {
    datasets {
      edges {
        node {
          personalData {
            unscanned
          }
        }
      }
    }
  }
`);

/** Where the README's reader has the server. */
const README_URL = 'http://127.0.0.1:4000';

const read = (path: string): string => readFileSync(new URL(path, packageRoot), 'utf8');
const readme = read('README.md');

interface Block {
  /** graphql, json, jsonl, csv, vtt, sh… */
  language: string;
  /** The file that the block is, where the block is one. */
  file: string | null;
  text: string;
}

interface Section {
  title: string;
  blocks: Block[];
}

/** The second-level sections, with their fenced blocks. */
function sectionsOf(markdown: string): Section[] {
  const sections: Section[] = [{ title: '', blocks: [] }];
  for (const [, title, language = '', file, text = ''] of markdown.matchAll(
    /^## (.+)$|^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm,
  )) {
    if (title === undefined) sections.at(-1)?.blocks.push({ language, file: file ?? null, text });
    else sections.push({ title, blocks: [] });
  }
  return sections;
}

const isRequest = ({ language, text }: Block): boolean =>
  language === 'graphql' || (language === 'sh' && text.startsWith('curl ') && !text.startsWith('curl -N'));

const runnable = sectionsOf(readme).filter(({ blocks }) => blocks.some(isRequest));

/** What stands in the README, and what stands for it here: ids, links and names of models. */
type Known = Map<string, string>;

/** The kind of a text that differs from run to run; null for one that does not. */
function kindOf(text: string): string | null {
  const node = /^(\w+):[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(
    Buffer.from(text, 'base64').toString(),
  );
  if (node) return `the id of a ${node[1]}`;
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(text)) return 'a time';
  const model = /^(ft:\S+:)\w{8}$/.exec(text);
  if (model) return `a model ${model[1]}…`;
  if (!URL.canParse(text) || !text.startsWith('http')) return null;
  const { pathname, searchParams } = new URL(text);
  return `a link to ${pathname.replaceAll(/[0-9a-f-]{36}/g, '…')} with ${[...searchParams.keys()].join()}`;
}

/** Numbers that hang on how quickly things went. */
const VARYING = new Set(['lastSeq']);

/** Compares by shape, and by value where that is the same in every run. Returns the differences. */
function differences(shown: unknown, got: unknown, known: Known, path = 'answer'): string[] {
  if (Array.isArray(shown) && Array.isArray(got)) {
    if (shown.length !== got.length) return [`${path}: ${shown.length} are shown, ${got.length} came`];
    return shown.flatMap((item, index) => differences(item, got[index], known, `${path}[${index}]`));
  }
  if (isRecord(shown) && isRecord(got)) {
    const [wanted, came] = [Object.keys(shown).join(), Object.keys(got).join()];
    if (wanted !== came) return [`${path}: {${wanted}} is shown, {${came}} came`];
    return Object.keys(shown).flatMap((key) =>
      VARYING.has(key) && typeof got[key] === 'number'
        ? []
        : differences(shown[key], got[key], known, `${path}.${key}`),
    );
  }
  const kind = typeof shown === 'string' ? kindOf(shown) : null;
  if (kind === null || typeof got !== 'string' || typeof shown !== 'string')
    return shown === got ? [] : [`${path}: ${JSON.stringify(shown)} is shown, ${JSON.stringify(got)} came`];
  if (kindOf(got) !== kind) return [`${path}: ${kind} is shown, ${got} came`];
  const before = known.get(shown);
  known.set(shown, got);
  const other = before !== undefined && before !== got && kind.startsWith('the id');
  return other ? [`${path}: ${shown} stood for ${before} before, and for ${got} now`] : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text with what stands for the README's ids here. */
function translated(text: string, known: Known): string {
  return [...known].reduce((so, [shown, got]) => so.replaceAll(shown, got), text);
}

const jsonLines = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

/** Runs a curl line of the README: -H, --data-binary @FILE, the address, and | head -n N after it. */
async function curl(client: TestClient, command: string, files: Map<string, string>): Promise<string> {
  const line = command.replaceAll(/\\\n\s*/g, ' ').trim();
  const [, address = ''] = /'(http[^']+)'/.exec(line) ?? [];
  const [, file] = /--data-binary @(\S+)/.exec(line) ?? [];
  const headers = Object.fromEntries(
    [...line.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const body = file === undefined ? null : files.get(file);
  if (body === undefined) throw new Error(`${file} is not shown before it is sent`);
  const path = address.replace(README_URL, '').replace(client.url, '');
  const response = await client.fetch(path, { headers, ...(body !== null && { method: 'POST', body }) });
  const answer = await response.text();
  const [, lines] = /\| head -n (\d+)$/.exec(line) ?? [];
  return lines === undefined ? answer : answer.split('\n').slice(0, Number(lines)).join('\n');
}

/** Follows to the end. The first and the last are compared: how many come in between hangs on how quickly things go. */
async function followed(client: TestClient, text: string, shown: unknown[], known: Known): Promise<string[]> {
  const document = parse(text) as TypedDocumentNode<Record<string, unknown>, Record<string, never>>;
  const got: unknown[] = [];
  for await (const data of client.follow(document, {})) got.push({ data });
  const keys = (value: unknown): unknown =>
    isRecord(value) ? Object.fromEntries(Object.keys(value).map((key) => [key, keys(value[key])])) : null;
  const odd = [...shown, ...got].filter((one) => JSON.stringify(keys(one)) !== JSON.stringify(keys(got[0])));
  return [
    ...odd.map((one) => `other fields: ${JSON.stringify(one)}`),
    ...differences(shown.at(-1), got.at(-1), known, 'the last one'),
  ];
}

/** Waits until every example has been searched for personal data, as it has been when a person types the next request. */
async function searched(client: TestClient): Promise<void> {
  const left = async () => {
    const { datasets } = await client.run(Unscanned, {});
    return datasets.edges.reduce((sum, { node }) => sum + node.personalData.unscanned, 0);
  };
  await expect.poll(left, { timeout: 30_000 }).toBe(0);
}

describe('README.md', () => {
  beforeAll(sharedServer);

  test.each(runnable)('shows what happens: $title', async ({ blocks }) => {
    const client = await newTenant();
    const files = new Map(blocks.flatMap(({ file, text }) => (file === null ? [] : [[file, text]])));
    const known: Known = new Map();
    for (const [index, block] of blocks.entries()) {
      if (!isRequest(block)) continue;
      const answer = blocks[index + 1];
      if (answer?.language !== 'json' && answer?.language !== 'jsonl')
        throw new Error(`No answer is shown below\n${block.text}`);
      await searched(client);
      const request = translated(block.text, known);
      const shown = answer.language === 'json' ? JSON.parse(answer.text) : jsonLines(answer.text);
      let found: string[];
      if (block.language === 'sh') {
        const came = await curl(client, request, files);
        found = differences(shown, answer.language === 'json' ? JSON.parse(came) : jsonLines(came), known);
      } else if (answer.language === 'jsonl') {
        found = await followed(client, request, shown, known);
      } else {
        found = differences(shown, await client.answer(request), known);
      }
      expect({ request: block.text, differences: found }).toEqual({ request: block.text, differences: [] });
    }
  });

  test('runs the six steps', () => {
    const shown = readme.match(/^```graphql\n[\s\S]*?^```$/gm)?.join('\n') ?? '';
    for (const field of [
      'createDataset',
      'collectExamples',
      'exportDataset',
      'launchTrainingRun',
      'askModel',
    ])
      expect(shown).toContain(`${field}(`);
    expect(shown).toContain('trainingRunUpdated(');
  });
});

const configuration = Object.entries(variables).map(([name, { about, schema }]) => {
  const preset = schema.safeParse(undefined);
  return {
    name,
    preset: preset.success && preset.data !== undefined ? z.coerce.string().parse(preset.data) : '',
    about,
  };
});

describe('the configuration', () => {
  test('is told by README.md as src/variables.ts has it', () => {
    const rows = [...readme.matchAll(/^\| `([A-Z0-9_]+)` \| (?:`([^`]*)`)? ?\| (.+) \|$/gm)];
    expect(rows.map(([, name, preset = '', about]) => ({ name, preset, about }))).toEqual(configuration);
  });

  test('is told by .env.example as src/variables.ts has it', () => {
    const entries = [...read('.env.example').matchAll(/^# (.+)\n# ([A-Z0-9_]+)=(.*)$/gm)];
    expect(entries.map(([, about, name, preset]) => ({ name, preset, about }))).toEqual(configuration);
  });
});

const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'docs/operating.md',
  ...readdirSync(new URL('docs/operating/', packageRoot)).map((name) => `docs/operating/${name}`),
  'docs/data-model.md',
  'docs/reviewing.md',
  ...readdirSync(new URL('docs/adr/', packageRoot)).map((name) => `docs/adr/${name}`),
];

describe.each(documents)('%s', (path) => {
  const text = read(path);

  test('links to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) =>
      join(dirname(path), link),
    );
    expect(links.filter((link) => !existsSync(new URL(link, packageRoot)))).toEqual([]);
  });

  test('names files and scripts that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|prisma|scripts|examples|docs)\/[\w./-]+)`/g)].map(
      ([, one = '']) => one,
    );
    expect(named.filter((one) => !existsSync(new URL(one, packageRoot)))).toEqual([]);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const run = [...text.matchAll(/npm run ([a-z][\w:-]*)/g)].map(([, script = '']) => script);
    expect(run.filter((script) => !(script in scripts))).toEqual([]);
  });
});
