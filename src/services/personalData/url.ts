import { isIP } from 'node:net';
import { before } from './context.ts';
import type { Finding } from './kinds.ts';

const URL_LIMIT = 4096;
const URL_BEGINS = /(?:https?|ftps?|sftp|wss?|postgres(?:ql)?|mysql|mongodb|redis|amqps?):\/\/|www\./gi;
const URL_ENDS = /[\s<>"'`|\\^{}]/;
const TRAILING = new Set('.,;:!?)]');
const SECRET_NAME =
  /^(?:.*[-_.])?(?:token|sig|signature|password|passwd|passcode|pwd|pass|secret|apikey|api[-_]?key|accesskey|access[-_]?key|auth|authorization|jwt|otp|credential|session|sessionid|sid)$/i;
/** These may hold a secret or a mere name: only what looks random is one. */
const MAYBE_SECRET_NAME = /^(?:key|code|ticket|invite|hash|id|k|s|t)$/i;
const USERINFO = /^[a-z]+:\/\/[^\s/?#@:]{1,256}:[^\s/?#@]{1,256}@/i;

/** Links that let whoever has them in: a token, a signature or a password in them. */
export function secretUrls(text: string): Finding[] {
  const found: Finding[] = [];
  let end = 0;
  for (const { index: start } of text.matchAll(URL_BEGINS)) {
    if (start < end) continue;
    end = urlEnd(text, start);
    const url = text.slice(start, end);
    if (USERINFO.test(url) || hasSecretParameter(url))
      found.push({ kind: 'SECRET_URL', start, end, rule: 'url.secret' });
  }
  return found;
}

function urlEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && end - start < URL_LIMIT && !URL_ENDS.test(text.charAt(end))) end += 1;
  while (TRAILING.has(text.charAt(end - 1))) end -= 1;
  return end;
}

function hasSecretParameter(url: string): boolean {
  const query = url.search(/[?#]/);
  if (query === -1) return false;
  return url
    .slice(query + 1)
    .split(/[?&#;]/)
    .some((parameter) => {
      const equals = parameter.indexOf('=');
      const name = parameter.slice(0, equals);
      const value = parameter.slice(equals + 1);
      if (equals < 1 || value === '' || name.length > 64) return false;
      return SECRET_NAME.test(name) || (MAYBE_SECRET_NAME.test(name) && looksRandom(value));
    });
}

function looksRandom(value: string): boolean {
  return value.length >= 16 && /\d/.test(value) && /[a-z]/i.test(value);
}

const IPV4 = /(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w]|\.\d)/g;
const IPV6 = /(?<![\w:.])[0-9a-f]{0,4}:[0-9a-f:]{4,38}(?![\w:])/gi;

/** Addresses of computers; `version 10.4.2.1` is none. */
export function ipAddresses(text: string): Finding[] {
  const found: Finding[] = [];
  for (const { 0: address, index } of [
    ...text.matchAll(IPV4),
    ...(text.includes(':') ? text.matchAll(IPV6) : []),
  ]) {
    if (
      isIP(address) === 0 ||
      /(?:version|firmware|release|build|v)\s*(?:is\s*)?$/.test(before(text, index, 24))
    )
      continue;
    found.push({ kind: 'IP_ADDRESS', start: index, end: index + address.length, rule: 'ip.address' });
  }
  return found;
}
