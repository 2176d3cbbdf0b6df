/** Keys with which programs sign in. Whoever has one acts for its tenant, with its role. */
import { hash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import type { Tx } from '../db/tenancy.ts';
import type { ApiKey } from '../generated/prisma/client.ts';
import { recordAudit } from './audit.ts';
import type { Clock } from './clock.ts';
import { InvalidInputError, NotFoundError } from './errors.ts';
import { parseInput } from './input.ts';
import { onceThere, type Soon } from '../soon.ts';
import { storableText } from './text.ts';
import { keySubject, requireRole, ROLES, type Viewer } from './viewer.ts';
import { isUniqueViolation } from './uniqueViolation.ts';

/** `tsk_`, what it is told by, and 192 random bits: easy to find for those who search for keys that leaked. */
const KEY = /^tsk_[0-9a-f]{8}_[\w-]{32}$/;
const PREFIX_LENGTH = 'tsk_'.length + 8;

/** How long a key that was found is known without asking again, and how many are. */
const REMEMBERED_MS = 5_000;
const MOST_REMEMBERED = 10_000;
/** How exactly it is noted when a key was last used. */
const LAST_USE_MS = 60_000;

const createSchema = z.object({
  name: storableText('The name', 200).refine((name) => name !== '', 'must not be empty'),
  role: z.enum(ROLES),
  expiresAt: z.date().nullish(),
});

export type CreateApiKeyInput = z.input<typeof createSchema>;

export interface CreatedApiKey {
  apiKey: ApiKey;
  /** The key itself, which nobody can find out again. */
  key: string;
}

/** Who a good key is of. */
export interface KeyHolder {
  keyId: string;
  viewer: Viewer;
  expiresAt: Date | null;
}

export type ApiKeyService = ReturnType<typeof createApiKeyService>;

interface Deps {
  db: Pick<Database, 'withTenant' | 'asSystem'>;
  clock: Clock;
  /** Told when a last use could not be noted. */
  onError: (error: unknown) => void;
}

export function createApiKeyService({ db, clock, onError }: Deps) {
  /** Null for a key that was revoked. */
  const remembered = new Map<string, { holder: KeyHolder | null; until: number }>();
  /** Raised by every revocation: what was read before is not remembered after. */
  let revocations = 0;
  const lastNoted = new Map<string, number>();
  const noting = new Set<Promise<void>>();

  function find(key: string, now: Date): Soon<KeyHolder | null> {
    const id = hash('sha256', key, 'base64');
    const known = remembered.get(id);
    return known && known.until > now.getTime() ? known.holder : lookUp(id, now.getTime());
  }

  async function lookUp(id: string, now: number): Promise<KeyHolder | null> {
    const before = revocations;
    const sha256 = new Uint8Array(Buffer.from(id, 'base64'));
    const row = await db.asSystem((tx) => tx.apiKey.findUnique({ where: { sha256 } }));
    remembered.delete(id);
    const holder = row?.revokedAt === null ? holderOf(row) : null;
    // Wrong keys are not remembered, so that nobody can push the good ones out with them.
    if (row === null || before !== revocations) return holder;
    const [oldest] = remembered.keys();
    if (oldest !== undefined && remembered.size >= MOST_REMEMBERED) remembered.delete(oldest);
    remembered.set(id, { holder, until: now + REMEMBERED_MS });
    return holder;
  }

  /** In the background: nobody waits for it. */
  function noteUse(id: string, now: Date): void {
    if (now.getTime() - (lastNoted.get(id) ?? -Infinity) < LAST_USE_MS) return;
    lastNoted.set(id, now.getTime());
    const noted = db
      .asSystem((tx) => tx.apiKey.updateMany({ where: { id }, data: { lastUsedAt: now } }))
      .then(() => undefined, onError);
    noting.add(noted);
    void noted.then(() => noting.delete(noted));
  }

  return {
    /** Makes a key. Its role may be any: only admins make keys. Throws ForbiddenError, InvalidInputError. */
    async create(viewer: Viewer, input: CreateApiKeyInput): Promise<CreatedApiKey> {
      requireRole(viewer, 'ADMIN');
      const {
        name,
        role,
        expiresAt = null,
      } = parseInput(createSchema.superRefine(inTheFuture(clock)), input);
      const key = `tsk_${randomBytes(4).toString('hex')}_${randomBytes(24).toString('base64url')}`;
      const write = async (tx: Tx): Promise<ApiKey> => {
        const good = { tenantId: viewer.tenantId, name, revokedAt: null };
        if (await tx.apiKey.findFirst({ where: good })) throw nameTaken();
        const made = await tx.apiKey.create({
          data: {
            tenantId: viewer.tenantId,
            name,
            prefix: key.slice(0, PREFIX_LENGTH),
            sha256: new Uint8Array(sha256Of(key)),
            role,
            createdBy: viewer.subject,
            createdAt: clock.now(),
            expiresAt,
          },
        });
        await recordAudit(tx, viewer, {
          action: 'CREATE_API_KEY',
          subjectType: 'ApiKey',
          subjectId: made.id,
          detail: { name: made.name, role, expiresAt: expiresAt?.toISOString() ?? null },
        });
        return made;
      };
      const apiKey = await db.withTenant(viewer.tenantId, write).catch((error: unknown) => {
        throw isUniqueViolation(error) ? nameTaken() : error;
      });
      return { apiKey, key };
    },

    /**
     * Ends a key: here at once, elsewhere within seconds, live connections included. Again changes nothing.
     * Throws ForbiddenError, NotFoundError.
     */
    async revoke(viewer: Viewer, id: string): Promise<ApiKey> {
      requireRole(viewer, 'ADMIN');
      const where = { id, tenantId: viewer.tenantId };
      const revoked = await db.withTenant(viewer.tenantId, async (tx) => {
        const { count } = await tx.apiKey.updateMany({
          where: { ...where, revokedAt: null },
          data: { revokedAt: clock.now() },
        });
        const row = await tx.apiKey.findFirst({ where });
        if (!row) throw new NotFoundError('API key', id);
        if (count > 0)
          await recordAudit(tx, viewer, {
            action: 'REVOKE_API_KEY',
            subjectType: 'ApiKey',
            subjectId: id,
            detail: { name: row.name },
          });
        return row;
      });
      revocations += 1;
      remembered.delete(Buffer.from(revoked.sha256).toString('base64'));
      return revoked;
    },

    /** All keys of the tenant, the newest first, with those that are no longer good. Throws ForbiddenError. */
    async list(viewer: Viewer): Promise<ApiKey[]> {
      requireRole(viewer, 'ADMIN');
      return db.withTenant(viewer.tenantId, (tx) =>
        tx.apiKey.findMany({
          where: { tenantId: viewer.tenantId },
          orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        }),
      );
    },

    /** Whose key it is, the same object for some seconds; null for one that never was, was revoked, or has expired. */
    authenticate(key: string): Soon<KeyHolder | null> {
      if (!KEY.test(key)) return null;
      return onceThere(find(key, clock.now()), (holder) => {
        if (holder === null) return null;
        const now = clock.now();
        if (holder.expiresAt !== null && holder.expiresAt <= now) return null;
        noteUse(holder.keyId, now);
        return holder;
      });
    },

    /** Which of the keys were revoked, wherever that was. */
    async revokedAmong(ids: string[]): Promise<ReadonlySet<string>> {
      const rows = await db.asSystem((tx) =>
        tx.apiKey.findMany({ where: { id: { in: ids }, revokedAt: { not: null } }, select: { id: true } }),
      );
      return new Set(rows.map(({ id }) => id));
    },

    /** Resolves when everything is noted. */
    async close(): Promise<void> {
      await Promise.all(noting);
    },
  };
}

function holderOf({ id: keyId, tenantId, name, role, expiresAt }: ApiKey): KeyHolder {
  return { keyId, viewer: { tenantId, subject: keySubject(name), role }, expiresAt };
}

/** Whether a text looks like one of our keys, good or not. */
export function isApiKey(text: string): boolean {
  return text.startsWith('tsk_');
}

// A key has 192 random bits: no slow hash is needed to keep it from being guessed.
const sha256Of = (key: string): Buffer => hash('sha256', key, 'buffer');

function nameTaken(): InvalidInputError {
  const message =
    'must not be the name of another key that is good; revoke that one first, or choose another';
  return new InvalidInputError([{ field: 'input.name', message }]);
}

function inTheFuture(clock: Clock) {
  return ({ expiresAt }: { expiresAt?: Date | null | undefined }, context: z.core.$RefinementCtx) => {
    if (expiresAt && expiresAt <= clock.now())
      context.addIssue({ code: 'custom', path: ['expiresAt'], message: 'must be in the future' });
  };
}
