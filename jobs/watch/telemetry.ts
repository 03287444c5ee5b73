import type { Telemetry } from 'bullmq'
import type { Logger } from 'pino'
import { workerName } from './farewell.ts'

/** Traces of what goes through the queues, and how to send off the rest of them. */
export interface FleetTelemetry {
  /** What `openBroker` takes. */
  readonly telemetry: Telemetry
  /** Sends what has not been sent, within a few seconds; nothing is traced afterwards. */
  shutdown(): Promise<void>
}

/** How long a collector may take, milliseconds. */
const PATIENCE = 5_000

/**
 * Traces by OpenTelemetry over OTLP/HTTP where the environment names a collector (OTEL_EXPORTER_OTLP_ENDPOINT or
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, as OpenTelemetry has them); undefined where it does not. Jobs carry the context of
 * what added them: a flow and all that it adds is one trace, over all processes.
 *
 * @param service `millrace-up`, `millrace-worker`
 */
export async function createTelemetry(
  environment: NodeJS.ProcessEnv,
  service: string,
  logger: Logger,
): Promise<FleetTelemetry | undefined> {
  const url = tracesUrl(environment)
  if (url === undefined) return undefined
  // Only who traces loads all this.
  const [{ BullMQOtel }, sdk, { OTLPTraceExporter }, { DiagLogLevel, diag }, resources] = await Promise.all([
    import('bullmq-otel'),
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/api'),
    import('@opentelemetry/resources'),
  ])
  const warn = (words: string) => logger.warn(`traces: ${words}`)
  diag.setLogger({ error: warn, warn, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN)
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: PATIENCE })
  const processor = new sdk.BatchSpanProcessor(exporter, { exportTimeoutMillis: PATIENCE })
  const resource = resources.resourceFromAttributes({
    'service.name': environment.OTEL_SERVICE_NAME || service,
    'service.instance.id': workerName(),
  })
  const provider = new sdk.NodeTracerProvider({ resource, spanProcessors: [processor] })
  provider.register()
  return {
    telemetry: new BullMQOtel({ tracerName: 'millrace' }),
    async shutdown() {
      await provider.shutdown().catch((error: Error) => warn(error.message))
    },
  }
}

function tracesUrl(environment: NodeJS.ProcessEnv): string | undefined {
  if (environment.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined
  if (environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) return environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
  const base = environment.OTEL_EXPORTER_OTLP_ENDPOINT
  return base ? `${base.replace(/\/+$/, '')}/v1/traces` : undefined
}
