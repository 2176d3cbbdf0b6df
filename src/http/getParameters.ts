/** What a GET request brings as JSON in its address: `variables` and `extensions`. Yoga parses them without a net. */
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Refuses with 400 what is no JSON, before Yoga reads it. */
export const jsonInAddress: Plugin = {
  onRequestParse({ request, url }) {
    if (request.method !== 'GET') return;
    for (const name of ['variables', 'extensions']) {
      const text = url.searchParams.get(name);
      if (text !== null && !isJson(text)) {
        throw new GraphQLError(`${name}: must be an object as JSON, encoded for an address`, {
          extensions: { code: 'INVALID_INPUT', http: { status: 400 } },
        });
      }
    }
  },
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return text === ''; // Yoga takes it for left out.
  }
}
