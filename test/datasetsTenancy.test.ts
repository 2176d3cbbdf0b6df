/** Another tenant's things look exactly as if they were not there, wherever an id can be given. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  answerTo,
  Everything,
  MISSING,
  missing,
  places,
  setForeignScene,
  typeAt,
  type Scene,
} from './support/foreignIds.ts';
import { sharedServer } from './support/server.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await setForeignScene(await sharedServer());
});

test('there are as many places for an id as there should be', () => {
  expect(places.map(({ name }) => name)).toMatchInlineSnapshot(`
    [
      "query callTranscription(id)",
      "query dataset(id)",
      "query erasure(id)",
      "query example(id)",
      "query examples(datasetId)",
      "query export(id)",
      "query exports(datasetId)",
      "query node(id)",
      "query nodes(ids)",
      "query preflight(datasetId)",
      "query preflight(exportId)",
      "query trainingRun(id)",
      "query trainingRuns(filter.datasetId)",
      "query trainingRuns(filter.exportId)",
      "mutation addExamples(input.datasetId)",
      "mutation askModel(input.trainingRunId)",
      "mutation cancelTrainingRun(id)",
      "mutation collectExamples(input.datasetId)",
      "mutation deleteDataset(id)",
      "mutation exportDataset(input.datasetId)",
      "mutation findDuplicates(input.datasetId)",
      "mutation keepBestOfDuplicates(input.bestExampleId)",
      "mutation keepBestOfDuplicates(input.datasetId)",
      "mutation keepBestOfDuplicates(input.groupIds)",
      "mutation launchTrainingRun(input.datasetId)",
      "mutation launchTrainingRun(input.exportId)",
      "mutation refreshTrainingRun(id)",
      "mutation rejectExamples(input.datasetId)",
      "mutation rejectExamples(input.ids)",
      "mutation releaseExample(id)",
      "mutation resolveTrainingRun(input.id)",
      "mutation reviewExample(input.exampleId)",
      "mutation revokeApiKey(id)",
      "mutation setQualityScore(input.ids)",
      "mutation takeExampleToReview(input.datasetId)",
      "mutation undoReview(id)",
      "mutation updateDataset(input.id)",
      "mutation updateExample(input.id)",
      "mutation validateExamples(input.datasetId)",
      "mutation validateExamples(input.ids)",
      "subscription datasetUpdated(id)",
      "subscription trainingRunEvents(id)",
      "subscription trainingRunUpdated(id)",
    ]
  `);
});

describe.each(places)('$name', (place) => {
  test('answers for what is another’s as for what is not there', async () => {
    const type = typeAt(place.field, place.path);
    const id = Buffer.from(scene.ids[type], 'base64').toString().split(':')[1] ?? '';
    const before = await scene.owner.run(Everything, {});
    const text = JSON.stringify(await answerTo(scene, place, scene.ids[type]));
    const expected = JSON.stringify(await answerTo(scene, place, missing(type)));
    expect(text.replaceAll(id, MISSING)).toBe(expected);
    expect(expected).not.toContain('INTERNAL_ERROR');
    const nothing =
      /^\{"data":\{"\w+":(null|\[null\]|\{"totalCount":0,"edges":\[\]\})\}\}$|^\{"errors":.*"NOT_FOUND"/;
    expect(expected).toMatch(place.kind === 'query' ? nothing : /NOT_FOUND/);
    expect(await scene.owner.run(Everything, {})).toEqual({ ...before, trainingRuns: expect.anything() });
  });

  test('refuses an id of another type, and what is no id', async () => {
    if (['node', 'nodes'].includes(place.field.name)) return;
    const type = typeAt(place.field, place.path);
    const wrong = [
      ...Object.entries(scene.ids)
        .filter(([other]) => other !== type)
        .map(([, id]) => id),
      '',
      '\0',
      'x'.repeat(1000),
      Buffer.from(`${type}:1`).toString('base64'),
      missing('Tenant'),
    ];
    for (const id of wrong) {
      const answer = JSON.stringify(await answerTo(scene, place, id));
      expect([id, answer]).toEqual([id, expect.stringContaining('INVALID_INPUT')]);
    }
  });
});

test('lists show a stranger nothing', async () => {
  const nothing = { edges: [] };
  expect(await scene.stranger.run(Everything, {})).toMatchObject({
    datasets: nothing,
    examples: nothing,
    callTranscriptions: nothing,
    exports: nothing,
    trainingRuns: nothing,
  });
});
