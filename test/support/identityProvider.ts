/** An OpenID provider on this machine: it tells its public keys over HTTP, and signs what a test wants. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

export const AUDIENCE = 'tunesmith';

export interface IdentityProvider {
  issuer: string;
  /** A token with these claims beside a good issuer, audience, subject and expiry; undefined leaves a claim out. */
  token(
    claims: Record<string, unknown>,
    options?: { kid?: string; alg?: string; key?: CryptoKey | Uint8Array },
  ): Promise<string>;
  /** From now on signs with another key, which it tells beside the old one. Resolves to its id. */
  rotate(): Promise<string>;
  /** The newest public key. */
  publicKey(): JWK;
  /** What it answers with from now on; 200 with its keys unless told. */
  fail(status: number | null): void;
  /** How often it was asked for its keys. */
  asked(): number;
  close(): Promise<void>;
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  const published: JWK[] = [];
  let privateKey: CryptoKey;
  let kid = '';
  let failing: number | null = null;
  let asked = 0;
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    const discovers = request.url === '/.well-known/openid-configuration';
    if (!discovers) asked += 1;
    const answer = discovers ? { issuer, jwks_uri: `${issuer}keys` } : { keys: published };
    response.writeHead(failing ?? 200).end(JSON.stringify(failing === null ? answer : {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  async function rotate(): Promise<string> {
    const pair = await generateKeyPair('RS256');
    privateKey = pair.privateKey;
    kid = `key-${published.length + 1}`;
    published.push({ ...(await exportJWK(pair.publicKey)), kid, alg: 'RS256', use: 'sig' });
    return kid;
  }
  await rotate();

  return {
    issuer,
    rotate,
    publicKey: () => published.at(-1) ?? {},
    fail: (status) => void (failing = status),
    asked: () => asked,
    async token(claims, { kid: wanted = kid, alg = 'RS256', key = privateKey } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer, aud: AUDIENCE, sub: 'anna', iat: now, exp: now + 600, ...claims };
      return new SignJWT(payload).setProtectedHeader({ alg, kid: wanted }).sign(key);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
