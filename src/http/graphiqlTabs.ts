/** The six steps, one tab each, for whoever opens GraphiQL for the first time. */
import { readFileSync } from 'node:fs';
import { packageRoot } from '../paths.ts';

const SIGNING_IN = `# Where you have to sign in, write your key into Headers, below: { "Authorization": "Bearer tsk_…" }
# Then press “Re-fetch GraphQL schema”, at the left, and the docs are there.

`;
const STEPS = ['import', '1-create', '2-collect', '3-export', '4-launch', '5-monitor', '6-use'];

export const graphiqlTabs = STEPS.map((step, index) => ({
  query: `${index === 0 ? SIGNING_IN : ''}${readFileSync(new URL(`examples/${step}.graphql`, packageRoot), 'utf8')}`,
}));
