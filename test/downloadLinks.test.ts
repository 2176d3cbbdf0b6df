import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createDownloadLinks } from '../src/services/downloadLinks.ts';

const tenantId = '019ab000-0000-7000-8000-000000000001';
const exportId = '019ab000-0000-7000-8000-000000000002';
const start = new Date('2026-11-23T10:00:00.900Z');
const key = { kid: 'now', secret: randomBytes(32) };
let now = start;
const links = createDownloadLinks({
  keys: [key],
  clock: { now: () => now },
  baseUrl: () => 'https://tune.example/',
});

function partsOf(link: string) {
  const url = new URL(link);
  const [, , tenant = '', id = '', file] = url.pathname.split('/');
  const { searchParams: query } = url;
  return {
    tenantId: tenant,
    exportId: id,
    part: file === undefined ? ('TRAINING' as const) : ('VALIDATION' as const),
    expires: query.get('expires'),
    kid: query.get('kid'),
    signature: query.get('signature'),
  };
}

function signed() {
  now = start;
  return partsOf(links.sign(tenantId, exportId, 'TRAINING'));
}

test('a link is an absolute URL that names the export and when it expires', () => {
  now = start;
  const expires = Math.floor(start.getTime() / 1000) + 900;
  expect(links.sign(tenantId, exportId, 'TRAINING')).toMatch(
    new RegExp(
      `^https://tune\\.example/exports/${tenantId}/${exportId}\\?expires=${expires}&kid=now&signature=[\\w-]{43}$`,
    ),
  );
  expect(links.verify(signed())).toBe('VALID');
});

test('a link to the validation file says so in its path, and is good for that file alone', () => {
  now = start;
  const link = links.sign(tenantId, exportId, 'VALIDATION');
  expect(new URL(link).pathname).toBe(`/exports/${tenantId}/${exportId}/validation`);
  expect(links.verify(partsOf(link))).toBe('VALID');
  expect(links.verify({ ...partsOf(link), part: 'TRAINING' })).toBe('INVALID');
});

test('a base URL may have a path, and is asked anew each time', () => {
  let port = 1;
  const moving = createDownloadLinks({
    keys: [key],
    clock: { now: () => now },
    baseUrl: () => `http://localhost:${port}/tunesmith`,
  });
  expect(moving.sign('t', 'e', 'TRAINING')).toMatch(/^http:\/\/localhost:1\/tunesmith\/exports\/t\/e\?/);
  port = 2;
  expect(moving.sign('t', 'e', 'TRAINING')).toMatch(/^http:\/\/localhost:2\//);
});

test('a link is good for 15 minutes', () => {
  const parts = signed();
  const end = Number(parts.expires) * 1000;
  expect(end - start.getTime()).toBeGreaterThan(14.9 * 60_000);
  expect(end - start.getTime()).toBeLessThanOrEqual(15 * 60_000);
  now = new Date(end - 1);
  expect(links.verify(parts)).toBe('VALID');
  now = new Date(end);
  expect(links.verify(parts)).toBe('EXPIRED');
});

describe('a link is invalid', () => {
  const parts = signed();
  const { signature } = parts;
  if (signature === null || parts.expires === null) throw new Error('The link has no signature');
  const lastCharacter = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const sameBytes =
    signature.slice(0, -1) + lastCharacter.charAt(lastCharacter.indexOf(signature.slice(-1)) ^ 1);

  test.each([
    ['another tenant', { tenantId: tenantId.replace(/1$/, '3') }],
    ['the tenant in capitals', { tenantId: tenantId.toUpperCase() }],
    ['the other file', { part: 'VALIDATION' as const }],
    ['another export', { exportId: exportId.replace(/2$/, '3') }],
    ['a later end', { expires: String(Number(parts.expires) + 1) }],
    ['an earlier end', { expires: String(Number(parts.expires) - 1) }],
    ['the same end written otherwise', { expires: `0${parts.expires}` }],
    ['an end that is no number', { expires: 'never' }],
    ['no end', { expires: null }],
    ['the name of another key', { kid: 'other' }],
    ['the same name written otherwise', { kid: 'NOW' }],
    ['no name of a key', { kid: null }],
    ['another signature', { signature: randomBytes(32).toString('base64url') }],
    ['a shorter signature', { signature: signature.slice(0, -1) }],
    ['a longer signature', { signature: `${signature}A` }],
    ['a padded signature', { signature: `${signature}=` }],
    ['another spelling of the same signature', { signature: sameBytes }],
    ['no signature', { signature: null }],
    ['an empty signature', { signature: '' }],
    ['a signature outside of ASCII', { signature: 'ä'.repeat(43) }],
    ['parts that run together', { tenantId: `${tenantId}","${exportId}`, exportId: '' }],
  ])('with %s', (_what, change) => {
    expect(links.verify({ ...parts, ...change })).toBe('INVALID');
  });

  test('for another secret', () => {
    const others = createDownloadLinks({
      keys: [{ kid: 'now', secret: randomBytes(32) }],
      clock: { now: () => now },
      baseUrl: () => 'http://x',
    });
    expect(others.verify(parts)).toBe('INVALID');
  });

  test('also when it would have expired: nobody learns that it never was good', () => {
    expect(links.verify({ ...parts, expires: '1' })).toBe('INVALID');
  });
});

test('a guessable secret is refused', () => {
  expect(() =>
    createDownloadLinks({
      keys: [{ kid: 'a', secret: Buffer.alloc(0) }],
      clock: { now: () => now },
      baseUrl: () => '',
    }),
  ).toThrow('at least 16 bytes');
});

test('a new key signs from its first day, and the links of the old one are good while it is listed', () => {
  now = start;
  const next = { kid: 'next', secret: randomBytes(32) };
  const withKeys = (...keys: (typeof key)[]) =>
    createDownloadLinks({ keys, clock: { now: () => now }, baseUrl: () => 'http://x' });
  const [before, both, after] = [withKeys(key), withKeys(next, key), withKeys(next)];
  const [old, renewed] = [before, both].map((by) => partsOf(by.sign(tenantId, exportId, 'TRAINING')));
  expect([old?.kid, renewed?.kid]).toEqual(['now', 'next']);
  if (!old || !renewed) throw new Error('No links were signed');
  expect([before, both, after].map((by) => [by.verify(old), by.verify(renewed)])).toEqual([
    ['VALID', 'INVALID'],
    ['VALID', 'VALID'],
    ['INVALID', 'VALID'],
  ]);
  // A link says which key signed it, and is good under no other key's name.
  expect(both.verify({ ...old, kid: 'next' })).toBe('INVALID');
});
