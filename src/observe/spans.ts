/**
 * Spans, for whoever turned tracing on (tracing.ts); without that each costs next to nothing. They tell what was done,
 * for how long and how it ended: no document, no variables, no text.
 */
import {
  INVALID_SPAN_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
} from '@opentelemetry/api';
import type { Soon } from '../soon.ts';

const tracer = trace.getTracer('tunesmith');

let tracing = false;

/** From here on spans go to the provider that was registered. Until then none are made, which is much quicker than making none. */
export function turnTracingOn(): void {
  tracing = true;
}

export function isTracingOn(): boolean {
  return tracing;
}

export const NO_SPAN: Span = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

export { SpanKind };
export type { Attributes };

export interface SpanOf {
  name: string;
  kind?: SpanKind;
  attributes?: Attributes;
}

/** Does `work` within a span. What it throws is told by its code alone. */
export function inSpan<T>(of: SpanOf, work: (span: Span) => Promise<T>): Promise<T>;
export function inSpan<T>(of: SpanOf, work: (span: Span) => Soon<T>): Soon<T>;
export function inSpan<T>({ name, kind, attributes }: SpanOf, work: (span: Span) => Soon<T>): Soon<T> {
  if (!tracing) return work(NO_SPAN);
  return tracer.startActiveSpan(
    name,
    { ...(kind !== undefined && { kind }), ...(attributes && { attributes }) },
    (span) =>
      new Promise<T>((resolve) => resolve(work(span)))
        .catch((error: unknown) => {
          markFailed(span, codeOf(error));
          throw error;
        })
        .finally(() => span.end()),
  );
}

export function markFailed(span: Span, code: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', code);
}

/** Whether something traced is under way, so that a span would have a parent. */
export function isTraced(): boolean {
  return trace.getActiveSpan()?.isRecording() === true;
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown';
}
