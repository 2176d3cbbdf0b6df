/** Live connections end with what they were opened with: a token that expires, a key that is revoked. */
import type { Session } from './session.ts';

/** How often is looked, in milliseconds, and every how many looks the keys are asked about. */
const LOOK_EVERY = 1_000;
const LOOKS_PER_QUESTION = 5;

export interface SessionWatch {
  /** Calls `end` once, within seconds of the session's end. Returns what stops that. */
  watch(session: Session, end: () => void): () => void;
  close(): void;
}

interface Watched {
  session: Session;
  end: () => void;
}

export interface SessionWatchOptions {
  now: () => Date;
  revokedAmong: (keyIds: string[]) => Promise<ReadonlySet<string>>;
  onError: (error: unknown) => void;
}

export function createSessionWatch({ now, revokedAmong, onError }: SessionWatchOptions): SessionWatch {
  const all = new Set<Watched>();
  let looks = 0;
  let asking = false;

  function endWhere(isOver: (session: Session) => boolean): void {
    for (const one of all) {
      if (!isOver(one.session)) continue;
      all.delete(one);
      one.end();
    }
  }

  async function askAboutKeys(): Promise<void> {
    const ids = new Set([...all].flatMap(({ session }) => session.keyId ?? []));
    if (ids.size === 0 || asking) return;
    asking = true;
    try {
      const revoked = await revokedAmong([...ids]);
      endWhere(({ keyId }) => keyId !== null && revoked.has(keyId));
    } catch (error) {
      onError(error); // The database is away. It is asked again.
    } finally {
      asking = false;
    }
  }

  const timer = setInterval(() => {
    const time = now();
    endWhere(({ expiresAt }) => expiresAt !== null && expiresAt <= time);
    looks += 1;
    if (looks % LOOKS_PER_QUESTION === 0) void askAboutKeys();
  }, LOOK_EVERY);
  timer.unref();

  return {
    watch(session, end) {
      if (session.expiresAt === null && session.keyId === null) return () => undefined;
      const one = { session, end };
      all.add(one);
      return () => void all.delete(one);
    },
    close: () => clearInterval(timer),
  };
}
