import pRetry from 'p-retry'
import { UnavailableError } from './errors.ts'
import type { Random } from './random.ts'
import type { Sleep } from './weight-budget.ts'

/** @see retryWhileUnavailable */
export interface RetryOptions {
  /** Tries after the first one. */
  readonly retries: number
  /** Delay before the first retry, milliseconds; it doubles with each further one. */
  readonly firstDelay: number
  /** Longest delay, milliseconds. */
  readonly longestDelay: number
  /** Shortest delay after a refusal for rate (HTTP 429), milliseconds. */
  readonly refusedDelay: number
  readonly sleep: Sleep
  readonly random: Pick<Random, 'uniform'>
  readonly signal?: AbortSignal
}

/** True for what another try may mend: 429, 5xx, and requests that got no answer at all. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof UnavailableError)) return false
  const { status } = error.details
  return status === undefined || status === 429 || (typeof status === 'number' && status >= 500)
}

/**
 * Runs `attempt` until it succeeds, fails for good, or `retries` are used up.
 *
 * Delays grow exponentially; half of each is random, so that clients refused together do not come back together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter, "equal jitter").
 *
 * @throws what `attempt` threw last, or the signal's reason.
 */
export function retryWhileUnavailable<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retries, firstDelay, longestDelay, refusedDelay, sleep, random, signal } = options
  return pRetry(attempt, {
    retries,
    signal,
    // The wait happens in shouldRetry, on the injected clock.
    minTimeout: 0,
    shouldRetry: async ({ error, attemptNumber }) => {
      if (!mayPass(error)) return false
      const grown = Math.min(longestDelay, firstDelay * 2 ** (attemptNumber - 1))
      const refused = error instanceof UnavailableError && error.details.status === 429
      const wait = Math.max(grown, refused ? refusedDelay : 0)
      await sleep(wait / 2 + random.uniform() * (wait / 2), signal)
      return true
    },
  })
}
