import type { ServerResponse } from 'node:http';

/** For how long browsers that came over https come over nothing else, in seconds: a year. */
const HTTPS_ONLY = 31_536_000;

/** What every answer tells browsers: guess no types, frame nothing of ours, tell nobody where a link came from. */
export function setSecurityHeaders(response: ServerResponse, publicUrl: string | undefined): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Content-Security-Policy', "frame-ancestors 'none'");
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  if (publicUrl?.startsWith('https:')) {
    response.setHeader('Strict-Transport-Security', `max-age=${HTTPS_ONLY}`);
  }
}
