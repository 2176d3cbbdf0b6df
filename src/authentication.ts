/** Who may sign in, and how, as the configuration has it. */
import { requiresCredentials, type Config } from './config.ts';
import type { Database } from './db/database.ts';
import { DEFAULT_TENANT, findTenant } from './db/tenants.ts';
import type { AccessTokens } from './http/accessTokens.ts';
import { createAuthentication } from './http/authentication.ts';
import type { Authenticate } from './http/session.ts';
import type { Services } from './services/index.ts';

export async function openAuthentication(
  config: Config,
  db: Pick<Database, 'asSystem'>,
  { apiKeys }: Pick<Services, 'apiKeys'>,
): Promise<Authenticate> {
  return createAuthentication({
    apiKeys,
    accessTokens: await accessTokensOf(config, db),
    development: requiresCredentials(config)
      ? undefined
      : { tenantId: DEFAULT_TENANT, subject: 'local', role: 'ADMIN' },
  });
}

/** Loaded only where such tokens are taken. */
async function accessTokensOf(
  config: Config,
  db: Pick<Database, 'asSystem'>,
): Promise<AccessTokens | undefined> {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: jwksUrl } = config;
  if (issuer === undefined || audience === undefined) return undefined;
  const { createAccessTokens } = await import('./http/accessTokens.ts');
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
