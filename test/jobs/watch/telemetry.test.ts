import { describe, expect, it } from 'vitest'
import { createTelemetry } from '#jobs/watch/telemetry.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { startOtlpCollector } from './otlp-collector.ts'

describe('telemetry', () => {
  it('is off unless the environment names a collector', async () => {
    const environments = [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }]
    for (const environment of environments) {
      expect(await createTelemetry(environment, 'millrace-up', logger)).toBeUndefined()
    }
    const disabled = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: 'true' }
    expect(await createTelemetry(disabled, 'millrace-up', logger)).toBeUndefined()
  })

  it('sends what is left when it is shut down, under the name that the environment gives', async () => {
    const collector = await startOtlpCollector()
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.endpoint}/v1/traces`,
      OTEL_SERVICE_NAME: 'mine',
    }
    const traced = await createTelemetry(environment, 'millrace-up', logger)
    traced?.telemetry.tracer.startSpan('one').end()
    expect(collector.spans).toEqual([])
    await traced?.shutdown()
    await collector.close()
    expect(collector.spans.map(({ name }) => name)).toEqual(['one'])
    expect([...collector.services]).toEqual(['mine'])
  })
})
