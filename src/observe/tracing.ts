/**
 * OpenTelemetry, where its variables say where to send traces. Loaded only then: it takes longer to load than the rest
 * of a start. The SDK reads its own variables (headers, time-outs, sampling, the service's name); ours only decides.
 */
import { turnTracingOn } from './spans.ts';

export interface Tracing {
  /** Sends what is left, and ends. */
  close(): Promise<void>;
}

function ignore(): void {
  // Nobody needs to know.
}

/** Starts to trace. What `inSpan` has been handing to nobody goes to the collector from here on. */
export async function startTracing(onError: (error: Error) => void): Promise<Tracing> {
  const [
    { BatchSpanProcessor, NodeTracerProvider },
    { OTLPTraceExporter },
    { defaultResource, detectResources, envDetector, resourceFromAttributes },
    { diag, DiagLogLevel },
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/api'),
  ]);
  // It says that a collector is away, now and then with what it sent to whom: that much is told, and no more.
  diag.setLogger(
    {
      error: () => onError(new Error('Traces could not be sent to the collector')),
      warn: ignore,
      info: ignore,
      debug: ignore,
      verbose: ignore,
    },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'tunesmith' }))
    .merge(detectResources({ detectors: [envDetector] }));
  const provider = new NodeTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  turnTracingOn();
  return { close: () => provider.shutdown().catch(ignore) };
}
