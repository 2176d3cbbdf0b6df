import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { NotFoundError } from '../src/services/errors.ts';
import { createExportService } from '../src/services/export.ts';
import { exampleTokens, systemPromptTokens } from '../src/services/tokens/chat.ts';
import { countExportTokens } from '../src/services/tokens/exportTokens.ts';
import {
  addExamples,
  datasetId,
  db,
  edit,
  exportIt,
  exportRows,
  format,
  interrupted,
  line,
  memberCount,
  service,
  setUpExports,
  store,
  temporaryFiles,
  trainingFile,
  viewer,
} from './support/exports.ts';

setUpExports();

const at = (position: number) => ({ where: { datasetId, position } });

async function tokensAt(position: number): Promise<number> {
  const { messages, tools } = await db.withTenant(viewer.tenantId, (tx) =>
    tx.example.findFirstOrThrow(at(position)),
  );
  return exampleTokens({ messages, tools, parallelToolCalls: null });
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

describe('the file', () => {
  test(
    'of 20,000 examples is written in memory that does not grow with it',
    { timeout: 240_000 },
    async () => {
      await addExamples(20_000, { padding: 4096 });
      setFlagsFromString('--expose-gc');
      const collectGarbage: () => void = runInNewContext('gc');
      const held: number[] = [];
      const measured = interrupted((write) => {
        if (write % 10 !== 0) return; // Looking for garbage takes longer than writing.
        collectGarbage();
        const { heapUsed, external } = process.memoryUsage();
        held.push((heapUsed + external) / 1024 / 1024);
      });
      const made = await measured.exportDataset(viewer, { datasetId, format });
      expect(Number(made.bytes)).toBeGreaterThan(80e6);
      // What is held swings with the driver's buffers; what held on to the file would rise by 40 MB from half to half.
      expect(held.length).toBeGreaterThan(7);
      const middle = Math.floor(held.length / 2);
      expect(median(held.slice(middle)) - median(held.slice(0, middle))).toBeLessThan(20);

      const hash = createHash('sha256');
      let [lines, bytes] = [0, 0];
      for await (const chunk of service.openFile(trainingFile(made))) {
        if (!Buffer.isBuffer(chunk)) throw new Error('The file is read as bytes');
        hash.update(chunk);
        bytes += chunk.length;
        for (const byte of chunk) if (byte === 10) lines += 1;
      }
      expect({ lines, bytes: BigInt(bytes), sha256: hash.digest('hex') }).toEqual({
        lines: 20_000,
        bytes: made.bytes,
        sha256: made.sha256,
      });
    },
  );

  test('is made of what is stored, without another count, and of what has to be looked at, in the same order', async () => {
    await addExamples(6);
    await db.withTenant(viewer.tenantId, async (tx) => {
      const tool = { type: 'function', function: { name: 'find' } };
      await tx.example.updateMany({ ...at(2), data: { tools: [tool] } });
      await tx.example.updateMany({ ...at(4), data: { tokens: null } });
      const messages = [
        { role: 'system', content: 'My own.' },
        { role: 'assistant', content: 'Hello "5"\n' },
      ];
      await tx.example.updateMany({ ...at(5), data: { messages, tokens: 10_000 } });
    });
    const counting = createExportService({ db, store, stages: [countExportTokens] });
    const made = await counting.exportDataset(viewer, { datasetId, format });
    const [, second = '', , , fifth = ''] = (await text(service.openFile(trainingFile(made)))).split(
      /(?<=\n)/,
    );
    expect(JSON.parse(second)).toMatchObject({ tools: [{ function: { name: 'find' } }] });
    expect(fifth).toBe(
      '{"messages":[{"role":"system","content":"My own."},{"role":"assistant","content":"Hello \\"5\\"\\n"}]}\n',
    );
    expect(await text(service.openFile(trainingFile(made)))).toBe(
      [line(1), second, line(3), line(4), fifth, line(6)].join(''),
    );
    const prompt = await systemPromptTokens('Answer as our best agents do.');
    // The tools are looked at, and so counted, as is what was not counted before.
    expect(Number(made.tokens)).toBe(
      3 * 12 + (await tokensAt(2)) + (await tokensAt(4)) + 10_000 + 5 * prompt,
    );
    expect(made.longExamples).toEqual([10_000]);
  });

  test('is read in pages of bounded size, and a line longer than a page is still written', async () => {
    await addExamples(3, { padding: 6 * 1024 * 1024 });
    await addExamples(4000, { first: 4 });
    let pages = 0;
    const counted = interrupted((write) => {
      pages = write;
    });
    const made = await counted.exportDataset(viewer, { datasetId, format });
    expect(made.exampleCount).toBe(4003);
    // md5 repeated compresses well, so how many long lines share a page is PostgreSQL's to say.
    expect(pages).toBeGreaterThanOrEqual(3);
    const content = await text(service.openFile(trainingFile(made)));
    expect(content.split('\n')).toHaveLength(4004);
    expect(content.endsWith(line(4002) + line(4003))).toBe(true);
  });
});

describe('while the file is written', () => {
  test('edits, reviews and new examples change nothing in it', async () => {
    await addExamples(2500);
    const reference = Array.from({ length: 2500 }, (_, index) => line(index + 1)).join('');
    const disturbed = interrupted(async (write) => {
      if (write !== 1) return;
      await edit(1, 'too late for page one');
      await edit(1500, 'edited once');
      await edit(1500, 'edited twice');
      await db.withTenant(viewer.tenantId, async (tx) => {
        await tx.example.updateMany({ where: { datasetId, position: 2400 }, data: { validated: false } });
        await tx.dataset.updateMany({ where: { id: datasetId }, data: { systemPrompt: 'Changed.' } });
      });
      await addExamples(10, { first: 2501 });
    });
    const made = await disturbed.exportDataset(viewer, { datasetId, format });
    const content = await text(service.openFile(trainingFile(made)));
    expect(content === reference).toBe(true);
    expect(made.systemPrompt).toBe('Answer as our best agents do.');
  });

  test('it is not visible', async () => {
    await addExamples(1);
    let seen: unknown;
    const watched = interrupted(async () => {
      const [row] = await exportRows();
      expect(row?.state).toBe('WRITING');
      seen = await service.requireReady(viewer, row?.id ?? '').catch((error: unknown) => error);
    });
    await watched.exportDataset(viewer, { datasetId, format });
    expect(seen).toBeInstanceOf(NotFoundError);
  });

  test('a failure leaves nothing behind, and the next export succeeds', async () => {
    await addExamples(2500);
    const failing = interrupted((write) => {
      if (write === 2) throw new Error('disk full');
    });
    await expect(failing.exportDataset(viewer, { datasetId, format })).rejects.toThrow('disk full');
    expect(await exportRows()).toEqual([]);
    expect(await memberCount()).toBe(0);
    expect(await temporaryFiles()).toEqual([]);
    expect((await exportIt()).exampleCount).toBe(2500);
  });

  test('an abort leaves nothing behind', async () => {
    await addExamples(2500);
    const controller = new AbortController();
    const aborted = interrupted(() => controller.abort(new Error('not wanted any more')));
    await expect(aborted.exportDataset(viewer, { datasetId, format }, controller.signal)).rejects.toThrow(
      'not wanted any more',
    );
    expect(await exportRows()).toEqual([]);
    expect(await temporaryFiles()).toEqual([]);
    await expect(exportIt(controller.signal)).rejects.toThrow('not wanted any more');
  });

  test('its deletion makes it fail, not end early', async () => {
    await addExamples(2500);
    const swept = interrupted(async (write) => {
      if (write === 2) await service.sweepAbandoned(new Date(Date.now() + 60_000));
    });
    await expect(swept.exportDataset(viewer, { datasetId, format })).rejects.toThrow(
      'was deleted while it was written',
    );
    expect(await temporaryFiles()).toEqual([]);
  });

  test('an example in a shape that cannot be written is named by its line, and its words are not', async () => {
    await addExamples(3);
    await db.withTenant(viewer.tenantId, (tx) =>
      tx.example.updateMany({
        where: { datasetId, position: 2 },
        data: { messages: [{ role: 'oracle', content: 'secret' }] },
      }),
    );
    const error: unknown = await exportIt().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^Line 2 of export .* cannot be written$/),
      cause: { message: expect.not.stringContaining('secret') },
    });
    expect(await exportRows()).toEqual([]);
  });
});
