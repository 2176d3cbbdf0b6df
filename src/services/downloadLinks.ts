/** Links that let whoever holds them download one file of an export for a while, without an API key: to paste, or hand to curl. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ExportPart } from '../generated/prisma/client.ts';
import type { Clock } from './clock.ts';

/** How long a link is good for, in seconds. */
export const LINK_LIFETIME_SECONDS = 15 * 60;

const SHORTEST_SECRET_BYTES = 16;

/** What a key is called that was given no name. */
export const DEFAULT_KID = 'default';

/** `secret` is at least 16 random bytes, the same on every replica; whoever has it can make links. */
export interface DownloadKey {
  /** What links name the key by. */
  kid: string;
  secret: Buffer;
}

/** What follows the export's id in the address of its validation file; the training file's ends with the id. */
export const VALIDATION_SEGMENT = 'validation';

export interface DownloadLinkParts {
  tenantId: string;
  exportId: string;
  part: ExportPart;
  /** The link's query parameters as they came; null where one is missing. */
  expires: string | null;
  kid: string | null;
  signature: string | null;
}

type SignedParts = Pick<DownloadLinkParts, 'tenantId' | 'exportId' | 'part'> & { expires: string };

/** EXPIRED: it was once a good link. INVALID: it never was. */
export type LinkVerdict = 'VALID' | 'EXPIRED' | 'INVALID';

export type DownloadLinks = ReturnType<typeof createDownloadLinks>;

/**
 * The first of the keys signs, all of them verify, so that a new one can come in while links of the old one are about.
 * `baseUrl` gives the address under which the server is reached, such as `https://tunesmith.example`, and is asked at every signing since
 * a port that the system chooses is known only later.
 */
export function createDownloadLinks({
  keys,
  clock,
  baseUrl,
}: {
  keys: readonly DownloadKey[];
  clock: Clock;
  baseUrl: () => string;
}) {
  const [signing] = keys;
  if (!signing || keys.some(({ secret }) => secret.length < SHORTEST_SECRET_BYTES)) {
    throw new Error(`The secret for download links needs at least ${SHORTEST_SECRET_BYTES} bytes.`);
  }

  function signatureOf({ kid, secret }: DownloadKey, link: SignedParts): string {
    const { tenantId, exportId, part, expires } = link;
    // JSON keeps the parts apart whatever they hold; the first part keeps signatures made for other ends apart.
    const signed = JSON.stringify(['tunesmith-download-v3', kid, tenantId, exportId, part, expires]);
    return createHmac('sha256', secret).update(signed).digest('base64url');
  }

  return {
    /** The absolute URL of one of an export's files, good for 15 minutes. Whether the viewer may have it is checked before. */
    sign(tenantId: string, exportId: string, part: ExportPart): string {
      const expires = String(Math.floor(clock.now().getTime() / 1000) + LINK_LIFETIME_SECONDS);
      const path = [tenantId, exportId, ...(part === 'VALIDATION' ? [VALIDATION_SEGMENT] : [])].map(
        encodeURIComponent,
      );
      const query = new URLSearchParams({
        expires,
        kid: signing.kid,
        signature: signatureOf(signing, { tenantId, exportId, part, expires }),
      });
      return `${baseUrl().replace(/\/+$/, '')}/exports/${path.join('/')}?${query.toString()}`;
    },

    /** Takes the same time whatever is wrong with the signature. */
    verify({ kid, expires, signature, ...file }: DownloadLinkParts): LinkVerdict {
      const key = keys.find((known) => known.kid === kid);
      if (!key || expires === null || signature === null) return 'INVALID';
      // The texts are compared, not the bytes they stand for: base64url has several spellings of the same bytes.
      const expected = Buffer.from(signatureOf(key, { ...file, expires }));
      const given = Buffer.from(signature);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'INVALID';
      return clock.now().getTime() < Number(expires) * 1000 ? 'VALID' : 'EXPIRED';
    },
  };
}
