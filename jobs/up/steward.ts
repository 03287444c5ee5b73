import type { Logger } from 'pino'
import type { Registry } from '#models/registry.ts'
import { publishIndex } from '#models/store/index-object.ts'
import type { ObjectStore } from '#models/store/object-store.ts'
import type { Alerts } from '../alerts/alerts.ts'
import type { Broker } from '../broker.ts'
import { cleanQueues } from '../clean-queues.ts'
import { sweepDeadLetters } from '../dead-letters/sweep.ts'
import { describeError } from '../failures.ts'
import type { FleetRecords } from '../records.ts'
import { watchClock } from './clock-watch.ts'
import type { Watch } from './watch.ts'

export interface StewardOptions {
  readonly broker: Broker
  readonly records: FleetRecords
  readonly alerts: Alerts
  readonly watch: Pick<Watch, 'status'>
  /** Where other machines get models from, and the registry that they are to follow. */
  readonly store?: ObjectStore
  readonly registry?: Registry
  readonly now: () => number
  readonly logger: Logger
  /** Between two turns, milliseconds, default 15,000. */
  readonly pause?: number
}

const PAUSE = 15_000
/** Turns between two clearings of the queues. */
const CLEAN_EVERY = 20
/** Estimates are kept for so long, milliseconds. */
const KEPT = 400 * 86_400_000

/**
 * Looks after what nobody waits for: dead letters, ended jobs, alerts, the clock, the index of the model store. A duty
 * that cannot be done now is done at the next turn, and said once until it can.
 */
export function startSteward(options: StewardOptions): { stop(): Promise<void> } {
  const { broker, records, alerts, watch, store, registry, now, logger } = options
  const clock = watchClock(now, () => performance.now())
  const undone = new Set<string>()
  let turns = 0

  const duty = async (name: string, work: () => Promise<unknown> | unknown) => {
    try {
      await work()
      if (undone.delete(name)) logger.info(`${name}: done again`)
    } catch (error) {
      if (!undone.has(name)) logger.warn(`${name} cannot be done now: ${describeError(error)}`)
      undone.add(name)
    }
  }
  const turn = async () => {
    const jump = clock.look()
    if (jump !== 0) {
      const words = `the clock of this machine jumped ${jump > 0 ? 'forward' : 'back'} by ${Math.round(Math.abs(jump) / 1000)} s`
      logger.warn(words)
      records.putNote('clock', JSON.stringify({ at: now(), words }))
    }
    await duty('alerts', async () => alerts.evaluate(await watch.status()))
    await duty('sweeping dead letters', () => sweepDeadLetters(broker, { logger, now: now() }))
    if (store && registry) await duty('publishing what serves', () => publishIndex(store, registry))
    if (turns++ % CLEAN_EVERY === 0) {
      await duty('clearing ended jobs', () => cleanQueues(broker, now()))
      await duty('forgetting old estimates', () => records.forget((records.rounds(1)[0]?.asOf ?? 0) - KEPT))
    }
  }

  let current: Promise<void> = Promise.resolve()
  let busy = false
  const timer = setInterval(() => {
    // A broker that is slow must not be asked twice at a time.
    if (busy) return
    busy = true
    current = turn().finally(() => {
      busy = false
    })
  }, options.pause ?? PAUSE)
  return {
    async stop() {
      clearInterval(timer)
      await current
    },
  }
}
