import { pino } from 'pino'
import type { InForce } from '../config.ts'
import type { Probe } from './check.ts'

/** Opens the fleet's broker, whichever the settings name, says what is not right at it, and closes it again. */
export function brokerProbe({ fleet, state }: InForce): Probe {
  return {
    name: 'broker',
    async look() {
      const started = performance.now()
      const { openBroker } = await import('#jobs/broker.ts')
      const broker = await openBroker({ ...fleet, stateDirectory: state, logger: pino({ enabled: false }) })
      const { name, connection, remarks } = broker
      await broker.close()
      const seconds = (performance.now() - started) / 1000
      const embedded = fleet.redisUrl === undefined && fleet.postgresUrl === undefined
      const kind = embedded ? 'embedded PostgreSQL, started and stopped' : `${name} at ${connection}`
      const text = `${kind} in ${seconds.toFixed(1)} s`
      const details = { name, connection, embedded, seconds, remarks }
      // Jobs run all the same; it is what would happen to them on a bad day.
      if (remarks.length > 0) return { finding: 'note', text, advice: remarks.join('; '), details }
      return {
        finding: 'ok',
        text,
        advice: embedded
          ? 'nothing is needed; for workers on several machines start a Redis and set REDIS_URL'
          : undefined,
        details,
      }
    },
  }
}
