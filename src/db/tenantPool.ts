/** The pool that Prisma is given: statements and transactions run as a tenant or as the system, or not at all. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import { endOfTurn } from '../endOfTurn.ts';
import { withLongTexts } from './longText.ts';
import { noteStatement } from './sources.ts';
import { keepPrepared, TenantQuery } from './tenantQuery.ts';
import { TextsQuery, type Question } from './textsQuery.ts';
import { doWithin, underWay } from '../underWay.ts';

/** The statements that `work` sends, each a transaction of its own, see one tenant's rows only. */
export function readingAs<T>(tenantId: string, work: () => T): T {
  return doWithin({ tenantId }, work);
}

/** The transactions that `work` begins begin with these settings, in one message. `settings`: a SELECT. */
export function transactingWith<T>(settings: string, work: () => T): T {
  return doWithin({ begin: `BEGIN; ${settings}`, longTexts: new Map() }, work);
}

/**
 * Prisma's statements have no values in them, so there are as many as there are shapes of questions. A connection keeps
 * those with a name, and their plans: planning them anew takes the database longer than running them.
 */
const names = new LRUCache<string, string>({ max: 1_000 });
/** In characters; what is longer is a list of values, and hardly asked twice. */
const LONGEST_NAMED = 20_000;

function nameOf(text: string): string | undefined {
  if (text.length > LONGEST_NAMED) return undefined;
  const known = names.get(text);
  if (known !== undefined) return known;
  // By the text, so that a pooler which connections of several processes share finds one statement by one name.
  const name = `tunesmith_${createHash('sha256').update(text).digest('base64url')}`;
  names.set(text, name);
  return name;
}

/** Lays a span around a statement, where work is traced. */
export type Traced = <T>(statement: string, work: () => Promise<T>) => Promise<T>;

export type Ask = (tenantId: string, question: Question) => Promise<string[]>;

/** Raw SQL within transactions is left to be planned for its values: some of it writes a hundred thousand rows at once. */
const isPrismas = (text: string) => text.includes('"public".');

/**
 * The pool as Prisma's adapter is given it. What the adapter asks of the pool itself is outside of any transaction: it
 * runs as the tenant of `readingAs`. A connection it takes for a transaction, which begins with the settings of
 * `transactingWith`. Without either it is refused, since it would see every tenant's rows.
 */
export function tenantPool(
  pool: pg.Pool,
  { timeoutMs, traced = (_statement, work) => work() }: { timeoutMs: number; traced?: Traced | undefined },
): { pool: pg.Pool; ask: Ask } {
  const query: (query: pg.Submittable) => Promise<unknown> = pool.query.bind(pool);
  const textsOf: (query: TextsQuery) => Promise<string[]> = pool.query.bind(pool);
  function ask(tenantId: string, question: Question): Promise<string[]> {
    const { text } = question;
    noteStatement(text);
    const asked = new TextsQuery({ tenantId, timeoutMs }, question, nameOf(text));
    return traced(text, () => endOfTurn().then(() => textsOf(asked)));
  }
  async function queryAsTenant(statement: pg.QueryConfig): Promise<unknown> {
    const { tenantId } = underWay();
    if (tenantId === undefined) throw new Error('A statement outside of a transaction belongs to no tenant');
    noteStatement(statement.text);
    const named = { ...statement, name: nameOf(statement.text) };
    return traced(statement.text, () => query(new TenantQuery({ tenantId, timeoutMs }, named)));
  }
  const ofTenants = withMethods(pool, {
    query: queryAsTenant,
    connect: async () => {
      const client = await pool.connect();
      return withMethods(client, {
        query: async (statement: pg.QueryConfig) => queryInTransaction(client, statement),
      });
    },
  });
  return { pool: ofTenants, ask };
}

async function queryInTransaction(client: pg.PoolClient, statement: pg.QueryConfig): Promise<unknown> {
  const { text, values = [] } = statement;
  noteStatement(text);
  if (text === 'BEGIN') {
    const { begin } = underWay();
    if (begin === undefined) throw new Error('A transaction belongs to neither a tenant nor the system');
    return client.query(begin);
  }
  if (!isPrismas(text)) return client.query({ ...statement, values: withLongTexts(values) });
  const name = nameOf(text);
  if (name !== undefined) keepPrepared(client.connection, name);
  return client.query({ ...statement, name });
}

/** The same, with other methods of these names. */
function withMethods<T extends object>(target: T, methods: Record<string, (...args: never[]) => unknown>): T {
  return new Proxy(target, {
    get(_target, name) {
      if (typeof name === 'string' && Object.hasOwn(methods, name)) return methods[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
