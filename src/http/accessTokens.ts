/** Access tokens (JWT) of an OpenID provider: its keys are fetched, its word on tenant and role is taken. */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { isReserved, ROLES, type Role } from '../services/viewer.ts';
import { IdentityUnavailableError, UnauthenticatedError, type Session } from './session.ts';

/** How far clocks may differ, in seconds; a session lasts as much longer than its token says. */
const CLOCK_TOLERANCE = 5;
/** How long the provider has to tell its keys, in milliseconds. */
const JWKS_TIMEOUT = 5_000;
const ASK_AGAIN_AFTER = 30_000;

export interface AccessTokenOptions {
  /** What `iss` must be, exactly. */
  issuer: string;
  /** What `aud` must be, or hold. */
  audience: string;
  /** Where the provider's public keys are; found by its discovery document when left out. */
  jwksUrl?: URL | undefined;
  algorithms: string[];
  /** Where the token names the tenant, by its id or name: a claim, or a path such as `app.tenant`. */
  tenantClaim: string;
  /** Where it names the role; of several the highest counts. */
  roleClaim: string;
  /** How soon the keys are asked for again for a token of an unknown one, in milliseconds; 30 s unless said. */
  askAgainAfter?: number;
  /** The id of the tenant of this id or name; null when there is none. */
  tenantOf: (idOrName: string) => Promise<string | null>;
}

export interface AccessTokens {
  /** Throws UnauthenticatedError, IdentityUnavailableError. */
  verify(token: string): Promise<Session>;
}

const claims = z.object({ sub: z.string().min(1).max(200), exp: z.number() });

export function createAccessTokens(options: AccessTokenOptions): AccessTokens {
  const { issuer, audience, algorithms, tenantClaim, roleClaim, tenantOf } = options;
  let keys: JWTVerifyGetKey | undefined;

  async function providersKeys(): Promise<JWTVerifyGetKey> {
    return (keys ??= createRemoteJWKSet(options.jwksUrl ?? (await discoveredUrl(issuer)), {
      timeoutDuration: JWKS_TIMEOUT,
      cooldownDuration: options.askAgainAfter ?? ASK_AGAIN_AFTER,
    }));
  }

  return {
    async verify(token) {
      const payload = await payloadOf(token);
      const parsed = claims.safeParse(payload);
      if (!parsed.success) throw refused('it must say `sub` and `exp`');
      const role = roleIn(claimAt(payload, roleClaim));
      if (role === null) throw refused(`\`${roleClaim}\` must be one of ${ROLES.join(', ')}`);
      const named = z.string().min(1).max(200).safeParse(claimAt(payload, tenantClaim));
      const tenantId = named.success ? await tenantOf(named.data) : null;
      if (tenantId === null) throw refused(`\`${tenantClaim}\` must name a tenant that is known here`);
      const { sub: subject, exp } = parsed.data;
      if (isReserved(subject))
        throw refused('its `sub` is a name that only the server itself and API keys have');
      return {
        viewer: { tenantId, subject, role },
        expiresAt: new Date((exp + CLOCK_TOLERANCE) * 1000),
        keyId: null,
      };
    },
  };

  async function payloadOf(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, await providersKeys(), {
        issuer,
        audience,
        algorithms,
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['exp', 'sub'],
      });
      return payload;
    } catch (error) {
      throw failureOf(error);
    }
  }
}

/** OpenID Connect Discovery 1.0, section 4. */
async function discoveredUrl(issuer: string): Promise<URL> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(JWKS_TIMEOUT),
  });
  const document = z.object({ issuer: z.literal(issuer), jwks_uri: z.url() }).parse(await response.json());
  return new URL(document.jwks_uri);
}

/** What to say of a token that was not taken. Only who made it can know more than these words tell. */
function failureOf(error: unknown): Error {
  if (error instanceof errors.JWTExpired) return refused('it has expired; get a new one');
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused(`its claim \`${error.claim}\` is not as it must be`);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refused('it is signed in a way that is not allowed here');
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return refused('it does not say by `kid` which key signed it');
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)
    return refused('its signature is not the provider’s');
  if (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSENotSupported
  )
    return refused('it is no signed JWT');
  // The provider took too long, answered with an error, or with something that is no set of keys.
  return new IdentityUnavailableError(error);
}

function refused(why: string): UnauthenticatedError {
  return new UnauthenticatedError(`The access token is not good: ${why}.`);
}

/** What stands at a claim's name, or, where there is none of that name, at the path that it spells. */
function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let value: unknown = payload;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

function roleIn(claim: unknown): Role | null {
  const named = new Set((Array.isArray(claim) ? claim : [claim]).map((name) => String(name).toUpperCase()));
  return ROLES.findLast((role) => named.has(role)) ?? null;
}
