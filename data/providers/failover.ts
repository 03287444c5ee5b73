import type { TimeRange } from '../bars.ts'
import { InputError, UnavailableError, VenueError } from '../errors.ts'
import { createNoticeBook } from '../notices.ts'
import type { Candles, FundingSeries, Instrument, OpenInterest, Provider } from '../provider.ts'

/** Who served what. */
export interface Served {
  /** `universe`, `open interest`, or a coin. */
  readonly subject: string
  readonly origin: string
}

/** A provider made of others; see {@link createFailoverProvider}. */
export interface FailoverProvider extends Provider {
  /** Which provider served each coin, the universe and open interest so far. */
  served(): Served[]
}

/** True when another provider may do better: the venue is away or its answer is not to be trusted. */
function anotherMayServe(error: unknown): error is UnavailableError | VenueError {
  return error instanceof UnavailableError || error instanceof VenueError
}

function describe(error: Error): string {
  return `${error.name}: ${error.message}`
}

/**
 * Asks `providers` in order and takes the first that serves. `UnavailableError` and `VenueError` move on to the next
 * one, with a `failover` notice; what the caller must fix, and an abort, are thrown at once.
 *
 * A coin is bound to the provider that first served it: two venues trade at different prices and settle different
 * funding, so one coin's series is never put together from both. When the bound provider fails later, its error is
 * thrown. To begin anew with the other one, make a new failover provider. A coin that one provider does not list is
 * looked for at the next.
 *
 * `remote` is false: rows of several venues must not meet in the local store under one name. To keep what was
 * fetched, wrap the members: `createFailoverProvider([throughStore(first, ...), second])`.
 *
 * @throws {InputError} for an empty list, or a coin that no provider has.
 * @throws {UnavailableError} naming every provider's reason when none serves.
 */
export function createFailoverProvider(providers: readonly Provider[]): FailoverProvider {
  if (providers.length === 0) throw new InputError('failover needs at least one provider', { field: 'providers' })
  const notices = createNoticeBook()
  const boundTo = new Map<string, Provider>()
  /** Coins that are being bound now; each promise settles when that is over. */
  const binding = new Map<string, Promise<void>>()
  const servedBy = new Map<string, string>()

  async function first<T>(
    subject: string,
    coin: string,
    ask: (provider: Provider) => Promise<T>,
    passOver: (error: unknown) => boolean,
  ): Promise<{ provider: Provider; answer: T }> {
    const failures: { provider: Provider; error: Error }[] = []
    for (const provider of providers) {
      try {
        const answer = await ask(provider)
        for (const { provider: failed, error } of failures) {
          const message = `${subject}: ${provider.origin} served because ${failed.origin} did not (${describe(error)})`
          notices.add({ coin, kind: 'failover', message })
        }
        servedBy.set(subject, provider.origin)
        return { provider, answer }
      } catch (error) {
        if (!anotherMayServe(error) && !passOver(error)) throw error
        failures.push({ provider, error: error as Error })
      }
    }
    const unavailable = failures.find(({ error }) => anotherMayServe(error))
    if (failures.length === 1 || unavailable === undefined) throw failures[0].error
    const reasons = failures.map(({ provider, error }) => `${provider.origin}: ${describe(error)}`).join('; ')
    throw new UnavailableError(`${subject}: no provider served. ${reasons}`, { subject }, unavailable.error)
  }

  /** Asks the provider the coin is bound to, or binds it to the first that serves. */
  async function ofCoin<T>(coin: string, ask: (provider: Provider) => Promise<T>): Promise<T> {
    // Who asks while the coin is being bound waits: two questions at once must not end at two venues.
    while (binding.has(coin)) await binding.get(coin)
    const bound = boundTo.get(coin)
    if (bound !== undefined) return ask(bound)
    const unlisted = (error: unknown) => error instanceof InputError && error.details.field === 'coin'
    const done = Promise.withResolvers<void>()
    binding.set(coin, done.promise)
    try {
      const { provider, answer } = await first(coin, coin, ask, unlisted)
      boundTo.set(coin, provider)
      return answer
    } finally {
      binding.delete(coin)
      done.resolve()
    }
  }

  const origin = `failover(${providers.map((provider) => provider.origin).join(', ')})`
  return {
    name: 'failover',
    origin,
    remote: false,
    served: () => Array.from(servedBy, ([subject, from]) => ({ subject, origin: from })),
    async universe(signal): Promise<Instrument[]> {
      const { answer } = await first(
        'universe',
        '',
        (provider) => provider.universe(signal),
        () => false,
      )
      return answer
    },
    candles: (coin: string, range: TimeRange, signal?: AbortSignal): Promise<Candles> =>
      ofCoin(coin, (provider) => provider.candles(coin, range, signal)),
    funding: (coin: string, range: TimeRange, signal?: AbortSignal): Promise<FundingSeries> =>
      ofCoin(coin, (provider) => provider.funding(coin, range, signal)),
    async openInterest(signal): Promise<OpenInterest[]> {
      const { answer } = await first(
        'open interest',
        '',
        (provider) => provider.openInterest(signal),
        () => false,
      )
      return answer
    },
    takeNotices() {
      for (const provider of providers) for (const notice of provider.takeNotices()) notices.add(notice)
      return notices.take()
    },
    async close() {
      for (const provider of providers) await provider.close()
    },
  }
}
