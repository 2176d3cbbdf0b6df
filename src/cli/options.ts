/** Reads the values of options. Each throws commander's InvalidArgumentError, which ends with exit code 2. */
import { InvalidArgumentError } from 'commander';
import { ROLES, type Role } from '../services/viewer.ts';

/** A number from 0 to 1. */
export function fraction(text: string): number {
  const value = numberIn(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}

/** A whole number within limits. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = numberIn(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** A number more than 0. */
export function positive(text: string): number {
  const value = numberIn(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError('It must be a number more than 0.');
  return value;
}

/** The address of a server; what leads to its GraphQL is left off. */
export function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('It must be an address such as http://127.0.0.1:4000.');
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/graphql$/, '')}`;
}

/** A time with its zone, given back as it came. */
export function timestamp(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}T.*(?:Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text)))
    return text;
  throw new InvalidArgumentError('It must be a time with its zone such as 2026-11-22T09:30:00Z.');
}

/** One more speaker label; several may also be given at once, with commas between. */
export function labels(text: string, before: string[]): string[] {
  const given = text.split(',').map((label) => label.trim());
  if (given.includes('')) throw new InvalidArgumentError('A speaker label must not be empty.');
  return [...before, ...given];
}

const UNITS = new Map([
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 7 * 86_400_000],
]);
/** Ten years, in milliseconds. */
const LONGEST = 3650 * 86_400_000;

/** Hours, days or weeks, as milliseconds. */
export function duration(text: string): number {
  const [, count, unit] = /^(\d+)([hdw])$/.exec(text) ?? [];
  const value = Number(count) * (UNITS.get(unit ?? '') ?? Number.NaN);
  if (value > 0 && value <= LONGEST) return value;
  throw new InvalidArgumentError(
    'It must be hours, days or weeks such as 12h, 90d or 4w, and no more than ten years.',
  );
}

export function role(text: string): Role {
  const named = ROLES.find((one) => one === text.toUpperCase());
  if (named === undefined) throw new InvalidArgumentError(`It must be one of ${ROLES.join(', ')}.`);
  return named;
}

/** Whoever names a tenant may do so by its name or its id: so no name may look like an id. */
export function tenantName(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > 200 || /\p{Cc}/u.test(name))
    throw new InvalidArgumentError('It must be a text of 1 to 200 characters on one line.');
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name))
    throw new InvalidArgumentError('It must not look like an id.');
  return name;
}

function numberIn(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
