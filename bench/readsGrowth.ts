/** Whether a page costs the same however many examples the dataset has. */
import { encodeGlobalID } from '@pothos/plugin-relay';
import { firstRound, median, type BenchOptions, type Figure } from './frame.ts';
import type { ServerProcess } from './processes.ts';
import { SMALLEST, type Seeded } from './readsData.ts';

/** Both ends of the list, and those of it that wait for a review. */
const QUERY = `query BenchGrowth($id: ID!) { dataset(id: $id) {
  exampleCount
  first: examples(first: ${SMALLEST}) { edges { node { id userMessage assistantResponse } } }
  last: examples(last: ${SMALLEST}) { edges { node { id userMessage assistantResponse } } }
} }`;
const ASKED = 200;
const GOAL = 1.25;

export async function growthOfReads(
  server: ServerProcess,
  headers: Record<string, string>,
  { growing }: Seeded,
  { rounds, scale, tell }: BenchOptions,
): Promise<Figure> {
  const times = growing.map((): number[] => []);
  const count = Math.max(10, Math.round(ASKED * Math.min(1, scale)));
  tell(`readsGrowth: a page of ${growing.map(({ size }) => size).join(' and of ')} examples in turns`);
  for (let round = firstRound(rounds); round <= rounds; round += 1) {
    for (const [place, { id, size }] of growing.entries()) {
      const body = JSON.stringify({ query: QUERY, variables: { id: encodeGlobalID('Dataset', id) } });
      for (let n = 0; n < count; n += 1) {
        const start = performance.now();
        const response = await fetch(`${server.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body,
        });
        const answer = await response.text();
        if (round > 0) times[place]?.push(performance.now() - start);
        const items = answer.match(/"userMessage"/g)?.length;
        if (items !== 2 * SMALLEST || !answer.includes(`"exampleCount":${size},`)) {
          throw new Error(`A page of ${size} examples was answered with ${answer.slice(0, 500)}`);
        }
      }
    }
  }
  const [small = NaN, large = NaN] = times.map(median);
  return {
    name: 'readsGrowth',
    unit: 'ms',
    ours: large,
    limit: small,
    peer: null,
    goal: `the same page within ${GOAL} times what it takes of ${SMALLEST} examples`,
    reached: large <= GOAL * small,
    also: { examples: growing.at(-1)?.size ?? 0, usPerItem: (large / (2 * SMALLEST)) * 1000 },
  };
}
