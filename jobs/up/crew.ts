import { setTimeout as delay } from 'node:timers/promises'
import { describeError } from '../failures.ts'
import { type Fleet, type FleetOptions, startFleet } from '../fleet.ts'

/** Worker processes of this machine, each replaced when it is lost. */
export interface Crew {
  readonly pids: () => readonly number[]
  /** Lets the workers finish what they hold, and ends those that do not within the limit. */
  close(): Promise<void>
}

/** Before a lost worker is replaced, milliseconds: doubled with each loss in a row, and short again after a good while. */
const FIRST_PAUSE = 500
const LONGEST_PAUSE = 60_000
const GOOD_WHILE = 60_000

/**
 * Starts `options.workers` processes and keeps that many: a worker that is killed, or that a job takes down with it, has
 * a successor.
 *
 * @throws {FatalError} when the first ones do not start
 */
export async function startCrew(options: FleetOptions): Promise<Crew> {
  const { workers, logger } = options
  const closing = new AbortController()
  const starts = await Promise.allSettled(Array.from({ length: workers }, () => startFleet({ ...options, workers: 1 })))
  const failed = starts.find((start) => start.status === 'rejected')
  if (failed) {
    await Promise.all(starts.map((start) => (start.status === 'fulfilled' ? start.value.close() : undefined)))
    throw failed.reason
  }
  const places: (Fleet | undefined)[] = starts.map((start) => (start.status === 'fulfilled' ? start.value : undefined))

  const keep = async (place: number): Promise<void> => {
    let pause = FIRST_PAUSE
    while (!closing.signal.aborted) {
      const since = performance.now()
      await lossOf(places[place], closing.signal)
      if (closing.signal.aborted) return
      if (performance.now() - since > GOOD_WHILE) pause = FIRST_PAUSE
      places[place] = undefined
      await delay(pause, undefined, { signal: closing.signal }).catch(() => {})
      pause = Math.min(2 * pause, LONGEST_PAUSE)
      if (closing.signal.aborted) return
      try {
        places[place] = await startFleet({ ...options, workers: 1 })
        logger.warn(
          { worker: places[place].pids[0] },
          `worker ${places[place].pids[0]} takes the place of the one that was lost`,
        )
      } catch (error) {
        logger.error(`a lost worker could not be replaced, it is tried again: ${describeError(error)}`)
      }
    }
  }
  const keeping = Promise.all(places.map((_, place) => keep(place)))

  return {
    pids: () => places.flatMap((fleet) => fleet?.pids ?? []),
    async close() {
      closing.abort()
      await keeping
      await Promise.all(places.map((fleet) => fleet?.close()))
    },
  }
}

/** Resolves when the fleet has no worker left, at once where there is none, or when told to close. */
function lossOf(fleet: Fleet | undefined, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (fleet === undefined || fleet.lost.aborted || closing.aborted) return resolve()
    fleet.lost.addEventListener('abort', () => resolve(), { once: true })
    closing.addEventListener('abort', () => resolve(), { once: true })
  })
}
