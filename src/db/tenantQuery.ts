/** A statement that runs as a tenant, at the price of one that does not. */
import pg from 'pg';

/** What every transaction of a tenant has, whoever it is. In UTC, since Prisma sends and reads times without their zone. */
export const OF_ANY_TENANT = `set_config('TimeZone', 'UTC', true), set_config('role', 'tunesmith_app', true)`;

const AS_TENANT = `SELECT set_config('tunesmith.tenant_id', $1, true), set_config('statement_timeout', $2, true),
  ${OF_ANY_TENANT}`;

// What `pg` itself calls of a query when an answer comes, and has of a connection; its types leave them out.
declare module 'pg' {
  interface Query {
    name?: string;
    handleDataRow(message: unknown): void;
    handleCommandComplete(message: unknown, connection: pg.Connection): void;
  }
  interface Connection {
    /** The texts of the statements that were prepared, by their names. */
    parsedStatements: Record<string, string>;
    close(message: { type: 'S'; name: string }, more: boolean): void;
  }
}

const SETTINGS = 'tunesmith_tenant';
/** The connections that have the settings prepared. */
const prepared = new WeakSet<pg.Connection>();

/** Whose a statement is. */
export interface OfTenant {
  tenantId: string;
  /** How long the statement may run, waiting for locks included; the embedded database does not look. */
  timeoutMs: number;
}

/** Sends what goes before a statement, in the same message. Its row is the first that comes. */
export function sendSettings(connection: pg.Connection, { tenantId, timeoutMs }: OfTenant): void {
  if (!prepared.has(connection)) connection.parse({ name: SETTINGS, text: AS_TENANT, types: [] }, true);
  prepared.add(connection);
  connection.bind({ statement: SETTINGS, values: [tenantId, String(timeoutMs)] }, true);
  connection.execute({}, true);
}

/**
 * The tenant's settings and one statement, sent together and without BEGIN and COMMIT: PostgreSQL makes one transaction
 * of all that comes before a Sync ("Pipelining" in its description of the protocol), so the settings end with the
 * statement. As messages of their own, each answered before the next, the four took three times the processor. After an
 * error nobody can tell which of the two was prepared; the pool closes the connection then.
 */
export class TenantQuery extends pg.Query {
  #isTenant = false;

  constructor(tenant: OfTenant, statement: pg.QueryConfig) {
    // A statement without values would go as a message of the other, simple kind.
    const extended = { ...statement, queryMode: 'extended' };
    super(extended);
    const submit = this.submit.bind(this);
    this.submit = (connection) => {
      connection.stream.cork();
      try {
        if (this.name) keepPrepared(connection, this.name);
        sendSettings(connection, tenant);
        return submit(connection);
      } finally {
        connection.stream.uncork();
      }
    };
  }

  /** The row of the settings is nobody's. */
  override handleDataRow(message: unknown): void {
    if (this.#isTenant) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: pg.Connection): void {
    if (this.#isTenant) super.handleCommandComplete(message, connection);
    this.#isTenant = true;
  }
}

/** A connection keeps the plans of so many statements; scaling.md tells poolers of it. */
const MOST_KEPT = 500;
/** The names of the statements that a connection keeps, the one first that was not asked for the longest. */
const kept = new WeakMap<pg.Connection, Set<string>>();

/**
 * To be called before a statement with a name is sent. The database forgets the one that was not asked for the longest, so
 * that clients can neither fill its memory with their shapes of questions nor push out the plans that others use.
 */
export function keepPrepared(connection: pg.Connection, name: string): void {
  const names = kept.get(connection) ?? new Set();
  kept.set(connection, names);
  names.delete(name);
  names.add(name);
  const [oldest] = names;
  if (names.size <= MOST_KEPT || oldest === undefined) return;
  names.delete(oldest);
  connection.close({ type: 'S', name: oldest }, true);
  delete connection.parsedStatements[oldest];
}
