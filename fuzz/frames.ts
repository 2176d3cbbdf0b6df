/** Messages of graphql-transport-ws, mostly nearly right, and frames that hold none. */
import type { SeededRandom } from '../bench/random.ts';
import { mutatedText, mutatedValue, nastyText, nastyValue } from './mutations.ts';
import { randomOperation } from './operations.ts';
import type { Scene } from './scene.ts';

export interface Frame {
  data: string | Buffer;
  binary: boolean;
}

/** Which socket is closed is the server's affair; an id may come again. */
const ids = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

export function randomFrame(random: SeededRandom, scene: Scene, n: number): Frame {
  const { pick, below } = random;
  const kind = below(40);
  if (kind === 0)
    return { data: Buffer.from(Array.from({ length: below(200) }, () => below(256))), binary: true };
  if (kind === 1) return { data: nastyText(random), binary: false };
  const message = randomMessage(random, scene, n);
  if (kind === 2) return { data: JSON.stringify(mutatedValue(message, random)), binary: false };
  if (kind === 3) return { data: mutatedText(JSON.stringify(message), random), binary: pick([true, false]) };
  return { data: JSON.stringify(message), binary: kind === 4 };
}

function randomMessage(random: SeededRandom, scene: Scene, n: number): Record<string, unknown> {
  const { pick, below } = random;
  const kind = below(20);
  if (kind === 0) return { type: 'ping', payload: { value: nastyValue(random) } };
  if (kind === 1) return { type: 'pong' };
  if (kind < 5) return { type: 'complete', id: pick(ids) };
  if (kind === 5 && below(10) === 0)
    return { type: 'connection_init', payload: { token: nastyText(random) } };
  const operation = randomOperation(random, scene);
  const query = kind < 9 ? mutatedText(operation.query, random) : operation.query;
  const variables = kind === 9 ? mutatedValue(operation.variables, random) : operation.variables;
  return { type: 'subscribe', id: below(20) === 0 ? pick(ids) : `n${n}`, payload: { query, variables } };
}
