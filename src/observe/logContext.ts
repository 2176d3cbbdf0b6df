/** What the work under way belongs to. Every log line written meanwhile tells it, without anybody handing it on. */
import { doWithin, underWay } from '../underWay.ts';

export type LogContext = {
  /** One HTTP request, or one operation over a WebSocket. */
  requestId?: string;
  /** The WebSocket that it came over, by the id of the request that opened it. */
  socketId?: string;
  tenantId?: string;
  subject?: string;
  /** A GraphQL operation: its type, and the name that the client gave it. */
  operation?: string;
  runId?: string;
  job?: string;
};

/** Does `work` as a part of what is under way already, which it adds to. */
export function within<T>(context: LogContext, work: () => T): T {
  return doWithin({ log: { ...underWay().log, ...context } }, work);
}

/** Notes what has just become known of the work under way: who asks. Outside of any it does nothing. */
export function noteViewer({ tenantId, subject }: { tenantId: string; subject: string }): void {
  const { log } = underWay();
  if (!log) return;
  log.tenantId = tenantId;
  log.subject = subject;
}

/** As above: which GraphQL operation it is. */
export function noteOperation(label: string): void {
  const { log } = underWay();
  if (log) log.operation = label;
}

export function currentContext(): Readonly<LogContext> {
  return underWay().log ?? {};
}
