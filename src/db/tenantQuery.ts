/** A statement that runs as a tenant, at the price of one that does not. */
import pg from 'pg';
import { takeRows } from './rowBytes.ts';

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
    handleError(error: Error, connection: pg.Connection): void;
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
/** After an error: the names of statements that may have been prepared and may not. */
const doubtful = new WeakMap<pg.Connection, Set<string>>();

/**
 * The tenant's settings and one statement, sent together and without BEGIN and COMMIT: PostgreSQL makes one transaction
 * of all that comes before a Sync ("Pipelining" in its description of the protocol), so the settings end with the
 * statement. As messages of their own, each answered before the next, the four took three times the processor.
 */
export class TenantQuery extends pg.Query {
  #isTenant = false;
  /** The rows' first values with a character for each byte, where they are to be so (byteText.ts). */
  readonly byteTexts: string[] = [];

  /** `timeoutMs`: how long the statement may run, waiting for locks included; the embedded database does not look. */
  constructor(
    tenantId: string,
    statement: pg.QueryConfig,
    { timeoutMs, asBytes = false }: { timeoutMs: number; asBytes?: boolean },
  ) {
    // A statement without values would go as a message of the other, simple kind.
    const extended = { ...statement, queryMode: 'extended' };
    super(extended);
    const submit = this.submit.bind(this);
    this.submit = (connection) => {
      connection.stream.cork();
      try {
        forgetDoubtful(connection);
        if (this.name) keepPrepared(connection, this.name);
        if (asBytes) takeRows(connection, (value) => this.#take(value));
        if (!prepared.has(connection)) connection.parse({ name: SETTINGS, text: AS_TENANT, types: [] }, true);
        connection.bind({ statement: SETTINGS, values: [tenantId, String(timeoutMs)] }, true);
        connection.execute({}, true);
        return submit(connection);
      } finally {
        connection.stream.uncork();
      }
    };
  }

  #take(value: Buffer): void {
    if (this.#isTenant) this.byteTexts.push(value.toString('latin1'));
  }

  /** The row of the settings is nobody's. */
  override handleDataRow(message: unknown): void {
    if (this.#isTenant) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: pg.Connection): void {
    if (this.#isTenant) super.handleCommandComplete(message, connection);
    else prepared.add(connection);
    this.#isTenant = true;
  }

  /** `pg` takes the first statement that is prepared for the second's, and remembers it though its turn never came. */
  override handleError(error: Error, connection: pg.Connection): void {
    const names = doubtful.get(connection) ?? new Set();
    names.add(SETTINGS);
    if (this.name) names.add(this.name);
    doubtful.set(connection, names);
    super.handleError(error, connection);
  }
}

/** A connection keeps the plans of so many statements; scaling.md tells poolers of it. */
const MOST_KEPT = 500;
/** The names of the statements that a connection keeps, the one first that was not asked for the longest. */
const kept = new WeakMap<pg.Connection, Set<string>>();

/**
 * To be called before a statement with a name is sent. The database forgets the one that was not asked for the longest, so
 * that clients cannot fill its memory with their shapes of questions, nor keep others' from being planned but once.
 */
export function keepPrepared(connection: pg.Connection, name: string): void {
  const names = kept.get(connection) ?? new Set();
  kept.set(connection, names);
  names.delete(name);
  names.add(name);
  const [oldest] = names;
  if (names.size <= MOST_KEPT || oldest === undefined) return;
  names.delete(oldest);
  forget(connection, oldest);
}

/** To close a statement that is not there is no error. */
function forget(connection: pg.Connection, name: string): void {
  connection.close({ type: 'S', name }, true);
  delete connection.parsedStatements[name];
}

function forgetDoubtful(connection: pg.Connection): void {
  const names = doubtful.get(connection);
  if (!names) return;
  doubtful.delete(connection);
  prepared.delete(connection);
  for (const name of names) forget(connection, name);
}
