/** The six steps, one tab each, for whoever opens GraphiQL for the first time. */
import { existsSync, readFileSync } from 'node:fs';
import { packageRoot } from '../paths.ts';

const STEPS = ['1-create', '2-collect', '3-export', '4-launch', '5-monitor', '6-use'];

export const graphiqlTabs = STEPS.map((step) => {
  const variables = new URL(`examples/${step}.variables.json`, packageRoot);
  return {
    query: readFileSync(new URL(`examples/${step}.graphql`, packageRoot), 'utf8'),
    ...(existsSync(variables) && { variables: readFileSync(variables, 'utf8') }),
  };
});
