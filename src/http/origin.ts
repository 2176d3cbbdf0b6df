import type { IncomingMessage } from 'node:http';

/**
 * Whether a request may come from a page in a browser: only from one that this server gave out. Programs send no Origin.
 * Without this any page that a developer opens could use the server on the developer's own machine.
 */
export function isOwnOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/** Whether the request was meant for this machine by name: a foreign name that leads here is an attack (DNS rebinding). */
export function isLoopbackHost(request: IncomingMessage): boolean {
  return LOOPBACK_HOST.test(request.headers.host ?? '');
}
