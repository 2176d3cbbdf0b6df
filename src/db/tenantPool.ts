/** The pool that Prisma is given: a statement outside of a transaction runs as a tenant, or not at all. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { noteStatement } from './sources.ts';
import { TenantQuery } from './tenantQuery.ts';

const reader = new AsyncLocalStorage<string>();

/** The statements that `work` sends, each a transaction of its own, see one tenant's rows only. */
export function readingAs<T>(tenantId: string, work: () => T): T {
  return reader.run(tenantId, work);
}

/**
 * Prisma's statements have no values in them, so there are as many as there are shapes of questions. A connection keeps
 * those with a name, and their plans: planning them anew takes the database longer than running them. Shapes that come
 * late, as lists of many lengths do, go without, so that no client can fill the server's memory with plans.
 */
const MOST_NAMES = 500;
/** In characters; what is longer is a list of values, and hardly asked twice. */
const LONGEST_NAMED = 20_000;
const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MOST_NAMES || text.length > LONGEST_NAMED) return known;
  // By the text, so that a pooler which connections of several processes share finds one statement by one name.
  const name = `tunesmith_${createHash('sha256').update(text).digest('base64url')}`;
  names.set(text, name);
  return name;
}

/** Lays a span around a statement, where work is traced. */
export type Traced = <T>(statement: string, work: () => Promise<T>) => Promise<T>;

/**
 * The pool as Prisma's adapter is given it. What the adapter asks of the pool itself is outside of any transaction: it
 * runs as the tenant of `readingAs`, and without one it is refused, since it would see every tenant's rows.
 * Transactions, which take a connection, name their tenant themselves (tenancy.ts).
 */
export function tenantPool(
  pool: pg.Pool,
  {
    timeoutMs,
    traced = async (_statement, work) => work(),
  }: { timeoutMs: number; traced?: Traced | undefined },
): pg.Pool {
  const query: (query: pg.Submittable) => unknown = pool.query.bind(pool);
  async function queryAsTenant(statement: pg.QueryConfig): Promise<unknown> {
    const tenantId = reader.getStore();
    if (tenantId === undefined) throw new Error('A statement outside of a transaction belongs to no tenant');
    noteStatement(statement.text);
    const named = { ...statement, name: nameOf(statement.text) };
    return traced(statement.text, async () => query(new TenantQuery(tenantId, named, timeoutMs)));
  }
  pool.on('connect', noteStatements);
  return new Proxy(pool, {
    get(target, name) {
      if (name === 'query') return queryAsTenant;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Those of transactions; what goes through the pool has been noted where it was asked, which is not where it is sent. */
function noteStatements(client: pg.PoolClient): void {
  const query: (...args: unknown[]) => unknown = client.query.bind(client);
  const noted = (...args: unknown[]): unknown => {
    const [statement] = args;
    if (!(statement instanceof TenantQuery)) noteStatement(textOf(statement));
    return query(...args);
  };
  Object.defineProperty(client, 'query', { value: noted });
}

function textOf(statement: unknown): string {
  const text: unknown = statement instanceof Object ? Reflect.get(statement, 'text') : statement;
  return typeof text === 'string' ? text : '';
}
