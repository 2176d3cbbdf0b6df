/** Who asks: by an API key, by an OpenID provider's token, or, in development, by being on this machine. */
import type { IncomingMessage } from 'node:http';
import { isApiKey, type ApiKeyService } from '../services/apiKey.ts';
import { onceThere, type Soon } from '../soon.ts';
import type { Viewer } from '../services/viewer.ts';
import type { AccessTokens } from './accessTokens.ts';
import { UnauthenticatedError, type Authenticate, type Session } from './session.ts';

interface Deps {
  apiKeys: Pick<ApiKeyService, 'authenticate'>;
  /** Absent where no OpenID provider is configured. */
  accessTokens?: AccessTokens | undefined;
  /** Who is served without credentials; nobody where it is absent. */
  development?: Viewer | undefined;
}

const HINT = 'Send the header `Authorization: Bearer …` with an API key or an access token';

export function createAuthentication({ apiKeys, accessTokens, development }: Deps): Authenticate {
  function sessionOf(authorization: string | undefined): Soon<Session> {
    if (authorization === undefined) {
      if (development) return { viewer: development, expiresAt: null, keyId: null };
      throw new UnauthenticatedError(
        `This needs credentials. ${HINT}; over WebSocket put it into connectionParams, as \`authorization\`.`,
      );
    }
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    if (token === undefined)
      throw new UnauthenticatedError(`The Authorization header must say \`Bearer\` and a token. ${HINT}.`);
    if (isApiKey(token)) {
      return onceThere(apiKeys.authenticate(token), (holder) => {
        if (holder) return holder;
        // Whether it was once good is nobody's business who does not hold a good one.
        throw new UnauthenticatedError(
          'The API key is not good: unknown, revoked or expired. Ask an admin for another.',
        );
      });
    }
    if (!accessTokens)
      throw new UnauthenticatedError(
        'The token is no API key of ours (those begin with `tsk_`), and no OpenID provider is configured.',
      );
    return accessTokens.verify(token);
  }

  /** Of sessions that come again, as keys' do, the one with the address that was last. */
  const placed = new WeakMap<Session, Session>();

  function from(address: string | undefined, session: Session): Session {
    if (address === undefined) return session;
    const last = placed.get(session);
    if (last?.viewer.address === address) return last;
    const made = { ...session, viewer: { ...session.viewer, address } };
    placed.set(session, made);
    return made;
  }

  return (request, connectionParams) =>
    onceThere(sessionOf(credentialsOf(request, connectionParams)), (session) =>
      from(request.socket.remoteAddress, session),
    );
}

/** Browsers can send no headers when they open a WebSocket, so its parameters may say the same, and go first. */
function credentialsOf(
  { headers }: IncomingMessage,
  connectionParams: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  const [, given] =
    (connectionParams &&
      Object.entries(connectionParams).find(([name]) => name.toLowerCase() === 'authorization')) ??
    [];
  // Something that is no text is a wrong credential, and not none.
  if (given !== undefined && given !== null) return typeof given === 'string' ? given : '';
  return headers.authorization;
}
