/** A statement that runs as a tenant, at the price of one that does not. */
import pg from 'pg';

/** What every transaction of a tenant has, whoever it is. In UTC, since Prisma sends and reads times without their zone. */
export const OF_ANY_TENANT = `set_config('TimeZone', 'UTC', true), set_config('role', 'tunesmith_app', true)`;

const AS_TENANT = `SELECT set_config('tunesmith.tenant_id', $1, true), set_config('statement_timeout', $2, true),
  ${OF_ANY_TENANT}`;

// What `pg` itself calls of a query when an answer comes; its types leave them out.
declare module 'pg' {
  interface Query {
    handleDataRow(message: unknown): void;
    handleCommandComplete(message: unknown, connection: pg.Connection): void;
  }
}

/**
 * The tenant's settings and one statement, sent together and without BEGIN and COMMIT: PostgreSQL makes one transaction
 * of all that comes before a Sync ("Pipelining" in its description of the protocol), so the settings end with the
 * statement. As messages of their own, each answered before the next, the four took three times the processor.
 */
export class TenantQuery extends pg.Query {
  #isTenant = false;

  /** `timeoutMs`: how long the statement may run, waiting for locks included; the embedded database does not look. */
  constructor(tenantId: string, statement: pg.QueryConfig, timeoutMs: number) {
    // A statement without values would go as a message of the other, simple kind.
    const extended = { ...statement, queryMode: 'extended' };
    super(extended);
    const submit = this.submit.bind(this);
    this.submit = (connection) => {
      connection.stream.cork();
      try {
        connection.parse({ name: '', text: AS_TENANT, types: [] }, true);
        connection.bind({ values: [tenantId, String(timeoutMs)] }, true);
        connection.execute({}, true);
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
