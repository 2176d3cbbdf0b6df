import { expect, test } from 'vitest';
import { withNearDuplicateSearch } from '../src/services/nearDuplicateSearch.ts';

const said = (...contents: string[]) =>
  JSON.stringify(
    contents.map((content, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content })),
  );
const question = 'How much is the shipping to Iceland if I order two of them?';

test('finds the groups of what was added page by page, and how similar two are', async () => {
  const found = await withNearDuplicateSearch(async (search) => {
    await search.add([said(question, 'It is nine dollars.'), said('Hello', 'Good morning.')]);
    await search.add([
      said(question.toUpperCase(), 'It is nine dollars!'),
      said(question, 'It is ten dollars.'),
    ]);
    return [
      await search.groups(0.85),
      await search.groups(0.6),
      await search.similarities([
        [0, 2],
        [0, 3],
      ]),
    ];
  });
  expect(found).toEqual([[[0, 2]], [[0, 2, 3]], [1, 13 / 17]]);
});

test('ends at once when it is aborted, with the reason', async () => {
  const stop = new AbortController();
  const search = withNearDuplicateSearch(async (duplicates) => {
    await duplicates.add(Array.from({ length: 2000 }, (_, index) => said(`${'x '.repeat(index)} y`, 'z')));
    const waiting = duplicates.groups(0.5);
    stop.abort(new Error('Not wanted any more'));
    return waiting;
  }, stop.signal);
  await expect(search).rejects.toThrow('Not wanted any more');
  await expect(withNearDuplicateSearch(async () => 1, stop.signal)).rejects.toThrow('Not wanted any more');
});

test('what cannot be read ends the search and not the process', async () => {
  await expect(withNearDuplicateSearch((search) => search.add(['{"role"']))).rejects.toThrow('JSON');
});
