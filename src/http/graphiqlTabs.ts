/** The six steps, one tab each, for whoever opens GraphiQL for the first time. */
import { readFileSync } from 'node:fs';
import { packageRoot } from '../paths.ts';

const STEPS = ['1-create', '2-collect', '3-export', '4-launch', '5-monitor', '6-use'];

export const graphiqlTabs = STEPS.map((step) => ({
  query: readFileSync(new URL(`examples/${step}.graphql`, packageRoot), 'utf8'),
}));
