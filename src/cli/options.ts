/** Reads the values of options. Each throws commander's InvalidArgumentError, which ends with exit code 2. */
import { InvalidArgumentError } from 'commander';

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

function numberIn(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
