import { HttpRequestError, type HttpTransport, ValidationError } from '@nktkas/hyperliquid'
import { InputError, type MillraceError, UnavailableError, VenueError } from '../errors.ts'
import type { Random } from '../random.ts'
import { retryWhileUnavailable } from '../retry.ts'
import type { Sleep, WeightBudget } from '../weight-budget.ts'

/** How often and how long the venue is asked before it counts as unavailable. */
export interface RequestPolicy {
  readonly retries: number
  /** Milliseconds. */
  readonly firstDelay: number
  readonly longestDelay: number
  readonly refusedDelay: number
}

/** Rides out a short outage, and a refusal for rate until the window of one minute is over, however chance falls. */
export const PATIENT: RequestPolicy = { retries: 5, firstDelay: 500, longestDelay: 20_000, refusedDelay: 25_000 }

/** One question and one answer: for finding out whether the venue is there at all. */
export const ONCE: RequestPolicy = { retries: 0, firstDelay: 0, longestDelay: 0, refusedDelay: 0 }

/** @see createRequester */
export interface RequesterOptions {
  readonly transport: HttpTransport
  readonly budget: WeightBudget
  readonly policy: RequestPolicy
  readonly sleep: Sleep
  readonly random: Pick<Random, 'uniform'>
}

/** What one request costs: reserved before, settled after. */
export interface RequestCost {
  /** Most that it can weigh. */
  readonly most: number
  /** What the answer weighed. */
  readonly actual: (answer: unknown) => number
}

/** One request to the venue within budget and retry policy. `what` names it in errors, e.g. `candleSnapshot BTC`. */
export type Requester = <T>(
  what: string,
  cost: RequestCost,
  send: (transport: HttpTransport, signal?: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>

/** Client errors that say the request itself is wrong (hyperliquid.md section 9); other 4xx are the venue's. */
const CALLER_ERRORS = new Set([400, 405, 415, 422])

/**
 * Translates a failure of the client library into the vocabulary of `errors.ts`.
 *
 * 4xx that blame the request and refused parameters are `InputError`; a 200 that is not JSON is `VenueError`;
 * everything else (429, 5xx, timeout, refused or cut connection) is `UnavailableError` with the status, if any.
 */
function translate(error: unknown, what: string, apiUrl: string): MillraceError {
  if (error instanceof ValidationError) {
    return new InputError(`${what}: the request is not valid: ${error.message}`, { request: what }, error)
  }
  if (!(error instanceof HttpRequestError)) throw error
  const status = error.response?.status
  const details = { request: what, url: apiUrl, ...(status !== undefined && { status }) }
  // The library's own text stops at the word "failed"; the system's code (ECONNREFUSED, ...) is one level deeper.
  const code = (error.cause as { cause?: { code?: unknown } } | undefined)?.cause?.code
  const reason = `${error.message.split('\n')[0].slice(0, 200)}${typeof code === 'string' ? ` (${code})` : ''}`
  if (status === 200) return new VenueError(`${what}: the answer of ${apiUrl} is not JSON: ${reason}`, details, error)
  if (status !== undefined && CALLER_ERRORS.has(status)) {
    return new InputError(`${what}: ${apiUrl} refused the request: ${reason}`, details, error)
  }
  const hint = status === 429 ? '; too many requests, also by others at this address: wait a minute' : ''
  return new UnavailableError(`${what}: ${apiUrl} did not serve: ${reason}${hint}`, details, error)
}

/** Makes a {@link Requester}. */
export function createRequester(options: RequesterOptions): Requester {
  const { transport, budget, policy, sleep, random } = options
  const apiUrl = String(transport.apiUrl)
  return (what, cost, send, signal) =>
    retryWhileUnavailable(
      async () => {
        const reservation = await budget.reserve(cost.most, signal)
        let weight = cost.most
        try {
          const answer = await send(transport, signal)
          weight = cost.actual(answer)
          return answer
        } catch (error) {
          signal?.throwIfAborted()
          throw translate(error, what, apiUrl)
        } finally {
          reservation.settle(weight)
        }
      },
      { ...policy, sleep, random, signal },
    )
}
