/** Who may sign in, and how, as the configuration has it. */
import { requiresCredentials, type Config } from './config.ts';
import type { Database } from './db/database.ts';
import { DEFAULT_TENANT, findTenant } from './db/tenants.ts';
import { createAccessTokens, type AccessTokens } from './http/accessTokens.ts';
import { createAuthentication } from './http/authentication.ts';
import type { Authenticate } from './http/session.ts';
import type { Services } from './services/index.ts';

export function openAuthentication(
  config: Config,
  db: Pick<Database, 'asSystem'>,
  { apiKeys }: Pick<Services, 'apiKeys'>,
): Authenticate {
  return createAuthentication({
    apiKeys,
    accessTokens: accessTokensOf(config, db),
    development: requiresCredentials(config)
      ? undefined
      : { tenantId: DEFAULT_TENANT, subject: 'local', role: 'ADMIN' },
  });
}

function accessTokensOf(config: Config, db: Pick<Database, 'asSystem'>): AccessTokens | undefined {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: jwksUrl } = config;
  if (issuer === undefined || audience === undefined) return undefined;
  return createAccessTokens({
    issuer,
    audience,
    jwksUrl: jwksUrl === undefined ? undefined : new URL(jwksUrl),
    algorithms: config.JWT_ALGORITHMS,
    tenantClaim: config.JWT_TENANT_CLAIM,
    roleClaim: config.JWT_ROLE_CLAIM,
    tenantOf: (idOrName) => findTenant(db, idOrName),
  });
}
