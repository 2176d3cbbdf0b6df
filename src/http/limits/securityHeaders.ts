/** For how long browsers that came over https come over nothing else, in seconds: a year. */
const HTTPS_ONLY = 31_536_000;

/**
 * What every answer tells browsers, names and values in turns: guess no types, frame nothing of ours, tell nobody where a
 * link came from.
 */
export function securityHeaders(publicUrl: string | undefined): string[] {
  return Object.entries({
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Content-Security-Policy': "frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    ...(publicUrl?.startsWith('https:') && { 'Strict-Transport-Security': `max-age=${HTTPS_ONLY}` }),
  }).flat();
}
