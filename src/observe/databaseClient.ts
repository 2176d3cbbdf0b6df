/** PostgreSQL's client with a span for each statement of traced work: its first word alone, as the rest may hold values. */
import pg from 'pg';
import { inSpan, isTraced, SpanKind } from './spans.ts';

export class TracedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const query: (...args: unknown[]) => unknown = this.query.bind(this);
    const traced = (...args: unknown[]): unknown => {
      // With a callback nobody waits for a promise; the pool alone asks like that.
      if (!isTraced() || typeof args.at(-1) === 'function') return query(...args);
      return inStatementSpan(args[0], async () => query(...args));
    };
    Object.defineProperty(this, 'query', { value: traced, configurable: true });
  }
}

/** The same around a statement that passes the client by (db/tenantPool.ts). */
export async function tracedStatement<T>(statement: string, work: () => Promise<T>): Promise<T> {
  return isTraced() ? inStatementSpan(statement, work) : work();
}

async function inStatementSpan<T>(statement: unknown, work: () => Promise<T>): Promise<T> {
  const verb = verbOf(statement);
  return inSpan(
    {
      name: `database ${verb}`,
      kind: SpanKind.CLIENT,
      attributes: { 'db.system.name': 'postgresql', 'db.operation.name': verb },
    },
    work,
  );
}

const VERBS = new Set([
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'WITH',
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT',
  'SET',
  'DEALLOCATE',
]);

function verbOf(query: unknown): string {
  const text: unknown = query instanceof Object ? Reflect.get(query, 'text') : query;
  const word = typeof text === 'string' ? (/^\s*([a-z]+)/i.exec(text)?.[1]?.toUpperCase() ?? '') : '';
  return VERBS.has(word) ? word : 'statement';
}
