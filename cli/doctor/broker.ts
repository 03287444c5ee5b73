import { pino } from 'pino'
import type { InForce } from '../config.ts'
import type { Probe } from './check.ts'

/** Opens the fleet's broker, whichever the settings name, and closes it again. */
export function brokerProbe({ fleet, state }: InForce): Probe {
  return {
    name: 'broker',
    async look() {
      const started = performance.now()
      const { openBroker } = await import('#jobs/broker.ts')
      const broker = await openBroker({ ...fleet, stateDirectory: state, logger: pino({ enabled: false }) })
      const { name, connection } = broker
      await broker.close()
      const seconds = (performance.now() - started) / 1000
      const embedded = fleet.redisUrl === undefined && fleet.postgresUrl === undefined
      const kind = embedded ? 'embedded PostgreSQL, started and stopped' : `${name} at ${connection}`
      return {
        finding: 'ok',
        text: `${kind} in ${seconds.toFixed(1)} s`,
        advice: embedded
          ? 'nothing is needed; for workers on several machines start a Redis and set REDIS_URL'
          : undefined,
        details: { name, connection, embedded, seconds },
      }
    },
  }
}
