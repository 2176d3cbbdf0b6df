import { randomInt } from 'node:crypto';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Random letters and digits, as the provider's ids end in. */
export function randomTail(length: number): string {
  return Array.from({ length }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('');
}

/** A new id in the provider's manner: `file-…`, `ftjob-…`, `ftevent-…`, `ftckpt_…`. */
export function newId(prefix: string): string {
  return `${prefix}${randomTail(24)}`;
}
