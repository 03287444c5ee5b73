import { setTimeout as delay } from 'node:timers/promises'

/** Waits `milliseconds`; rejects with the signal's reason when aborted. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>

/** {@link Sleep} on the real clock. */
export const sleepFor: Sleep = async (milliseconds, signal) => {
  signal?.throwIfAborted()
  try {
    await delay(milliseconds, undefined, { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

/** Weight reserved for one request that is under way. */
export interface Reservation {
  /** The answer is here: `weight` is what it really cost, counted from now on. */
  settle(weight: number): void
}

/** A rate limit by weight that every request of a venue draws from, however many callers there are. */
export interface WeightBudget {
  /**
   * Waits, first come first served, until `weight` fits into the window, and takes it.
   *
   * @throws the signal's reason when aborted while waiting; nothing is taken then.
   */
  reserve(weight: number, signal?: AbortSignal): Promise<Reservation>
  /** Weight taken within the window that ends now. */
  used(): number
}

/** @see createWeightBudget */
export interface WeightBudgetOptions {
  /** Weight per window; the exchange allows 1,200 a minute and address. */
  readonly limit?: number
  /** Length of the rolling window, milliseconds. */
  readonly window?: number
  readonly now: () => number
  readonly sleep?: Sleep
}

/** Rejects as soon as `signal` aborts, also while others are first in the queue; what is reserved then is given up. */
function untilAborted(reservation: Promise<Reservation>, signal: AbortSignal): Promise<Reservation> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    reservation
      .then((made) => {
        if (signal.aborted) made.settle(0)
        resolve(made)
      }, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}

/**
 * A rolling-window weight budget. Hand the same one to several providers of a venue: the venue counts per
 * IP address, not per client.
 *
 * The venue counts a request some time between its departure and its answer. A reservation therefore holds its
 * weight while the request is under way, and the window starts at the answer: waiting a little too long is cheap,
 * a refusal is not.
 */
export function createWeightBudget(options: WeightBudgetOptions): WeightBudget {
  const { limit = 1200, window = 60_000, now, sleep = sleepFor } = options
  interface Entry {
    weight: number
    /** When the weight falls out of the window; unknown while the request is under way. */
    until: number
  }
  const entries = new Set<Entry>()
  let queue: Promise<unknown> = Promise.resolve()
  let wake: (() => void) | undefined

  const used = () => {
    const moment = now()
    let sum = 0
    for (const entry of entries) {
      if (entry.until <= moment) entries.delete(entry)
      else sum += entry.weight
    }
    return sum
  }

  /** Resolves when a request that is under way settles, or the signal aborts. */
  const settlement = (signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal?.reason)
      wake = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      signal?.addEventListener('abort', abort, { once: true })
    })

  const take = async (weight: number, signal?: AbortSignal): Promise<Reservation> => {
    signal?.throwIfAborted()
    while (used() + weight > limit) {
      let next = Number.POSITIVE_INFINITY
      for (const entry of entries) next = Math.min(next, entry.until)
      if (Number.isFinite(next)) await sleep(Math.max(1, next - now()), signal)
      else await settlement(signal)
      signal?.throwIfAborted()
    }
    const entry: Entry = { weight, until: Number.POSITIVE_INFINITY }
    entries.add(entry)
    return {
      settle(actual) {
        entry.weight = actual
        entry.until = now() + window
        wake?.()
        wake = undefined
      },
    }
  }

  return {
    used,
    reserve(weight, signal) {
      if (!(weight >= 0 && weight <= limit)) {
        throw new RangeError(`a request of weight ${weight} can never fit into a budget of ${limit}`)
      }
      const reservation = queue.then(() => take(weight, signal))
      // One caller's abort must not stop those who wait behind it.
      queue = reservation.catch(() => undefined)
      return signal ? untilAborted(reservation, signal) : reservation
    },
  }
}
