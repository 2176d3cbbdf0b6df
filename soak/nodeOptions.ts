/** What `npm start` gives Node: what is measured is what ships. test/deploy.test.ts holds the image to the same. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { packageRoot } from '../src/paths.ts';

const { scripts } = z
  .object({ scripts: z.object({ start: z.string() }) })
  .parse(JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')));

export const NODE_OPTIONS = scripts.start.split(' ').filter((word) => word.startsWith('--'));
