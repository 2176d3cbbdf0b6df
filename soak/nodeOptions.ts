/** What `npm start` gives Node: what is measured is what ships. test/deploy.test.ts holds the image to the same. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { packageRoot } from '../src/paths.ts';

const { scripts } = z
  .object({ scripts: z.object({ start: z.string() }) })
  .parse(JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')));

const words = scripts.start.split(' ');

export const NODE_OPTIONS = words.filter((word) => word.startsWith('--'));

/** What glibc is told of memory that was freed (docs/operating/scaling.md). */
export const MALLOC = Object.fromEntries(
  words.flatMap((word) => {
    const [, name, value] = /^(MALLOC_\w+)=(\d+)$/.exec(word) ?? [];
    return name !== undefined && value !== undefined ? [[name, value]] : [];
  }),
);
