import { allocateBars, type Bars, HOUR } from '#data/bars.ts'
import { checkIdentity, equityOf, exposureOf } from '#src/account/account.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { type Journal, type LedgerStore, openJournal } from '#src/ledger/journal.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { ExchangeOptions } from '#src/options/paper.ts'
import { createPaperExchange } from '#src/paper/exchange.ts'
import type { OrderRequest } from '#src/venue/order.ts'
import type { Contract, Listing, Venue } from '#src/venue/venue.ts'

/** A Thursday, 00:00 UTC. */
export const BEGIN = Date.UTC(2025, 0, 2)
/** Hours before the first order, so that depth is known. */
export const WARM_UP = 240
/** Standard deviation of a day where every hour goes up by 1 % or back again. */
export const DAILY_OF_ONE_PERCENT = Math.sqrt((24 * (0.01 ** 2 + (0.01 / 1.01) ** 2)) / 2)
/** When the first order can be sent: the hour whose bar is row `WARM_UP` begins. */
export const FIRST = BEGIN + WARM_UP * HOUR

export type Row = readonly [open: number, high: number, low: number, close: number, volume?: number, funding?: number]

/**
 * Bars with `WARM_UP` hours at 100 dollars and 1,000 coins, then the given ones; null is an hour without a bar. The quiet
 * past makes the depth plain: half-spread as configured, no impact. With `step` the past jumps up and down by it.
 */
export function barsOf(coin: string, rows: readonly (Row | null)[], step = 0): Bars {
  const past = Array.from({ length: WARM_UP }, (_, hour): Row => {
    const [open, close] = hour % 2 === 0 ? [100, 100 * (1 + step)] : [100 * (1 + step), 100]
    return [open, Math.max(open, close), Math.min(open, close), close]
  })
  const all = [...past, ...rows]
  const present = all.flatMap((row, hour) => (row === null ? [] : [{ row, hour }]))
  const bars = allocateBars(coin, present.length)
  present.forEach(({ row: [open, high, low, close, volume = 1000, funding = 0], hour }, i) => {
    bars.openTime[i] = BEGIN + hour * HOUR
    bars.open[i] = open
    bars.high[i] = high
    bars.low[i] = low
    bars.close[i] = close
    bars.volume[i] = volume
    bars.funding[i] = funding
  })
  return bars
}

export function listingOf(bars: Bars, contract: Partial<Contract> = {}): Listing {
  const tiers = [{ lowerBound: 0, maxLeverage: 20 }]
  return { bars, contract: { coin: bars.coin, sizeDecimals: 2, marginTiers: tiers, ...contract } }
}

/** A journal, an exchange and what is listed there, with the shortest ways to trade. */
export interface Desk {
  readonly store: LedgerStore
  readonly journal: Journal
  readonly venue: Venue
  readonly listings: ReadonlyMap<string, Listing>
  readonly options: ExchangeOptions
}

/** Orders arrive at once unless told otherwise, so that fills can be computed by hand. */
export function openDesk(
  listings: readonly Listing[],
  settings: Partial<ExchangeOptions> = {},
  deposit = 10_000_000_000,
): Desk {
  const options = ExchangeOptions.parse({ latencyMs: 0, ...settings })
  const store = createMemoryLedger()
  const journal = openJournal(store)
  journal.record({ kind: 'deposit', time: FIRST - HOUR, amount: deposit })
  journal.record({ kind: 'hour', time: FIRST, equity: deposit, gross: 0, net: 0 })
  journal.commit()
  const byCoin = new Map(listings.map((listing) => [listing.contract.coin, listing]))
  return { store, journal, venue: createPaperExchange(options), listings: byCoin, options }
}

/** A desk after a crash: a new journal and a new exchange on what is in the ledger. */
export function reopen(desk: Desk): Desk {
  return { ...desk, journal: openJournal(desk.store), venue: createPaperExchange(desk.options) }
}

export function cloid(number: number): string {
  return `0x${number.toString(16).padStart(32, '0')}`
}

let orders = 0

/** An order with defaults: an immediate one of BTC with a limit 5 % from 100. */
export function order(size: number, changes: Partial<OrderRequest> = {}): OrderRequest {
  const limitPrice = size > 0 ? 105 : 95
  return { cloid: cloid(++orders), coin: 'BTC', size, limitPrice, timeInForce: 'Ioc', reduceOnly: false, ...changes }
}

export function intend({ journal }: Desk, request: OrderRequest, time: number, referencePrice = 100): void {
  const purpose = request.reduceOnly
    ? ({ closes: 'horizon' } as const)
    : {
        opens: {
          direction: request.size > 0 ? 1 : -1,
          holdUntil: time,
          trendProbability: 0,
          edge: 0,
          sources: {},
        } as const,
      }
  journal.record({ kind: 'intent', time, coin: request.coin, order: request, referencePrice, purpose })
  journal.commit()
}

/** Intends and submits at a full hour. @returns what the venue said at once. */
export async function send(desk: Desk, request: OrderRequest, time: number): Promise<string> {
  intend(desk, request, time)
  await desk.venue.submit(desk.journal, request, time, desk.listings.get(request.coin)!)
  desk.journal.commit()
  const told = eventsOf(desk).findLast((event) => event.kind === 'order' && event.cloid === request.cloid)
  return told?.kind === 'order' ? (told.message ?? told.status) : 'silence'
}

/** Lets one hour pass, as the engine does. */
export async function pass({ journal, venue, listings }: Desk, time: number): Promise<void> {
  await venue.advance(journal, time, listings)
  const { account } = journal.state
  checkIdentity(account)
  journal.record({ kind: 'hour', time, equity: equityOf(account), ...exposureOf(account) })
  journal.commit()
}

export function eventsOf({ store }: Desk): LedgerEvent[] {
  return [...store.events()]
}

export function eventsOfKind<Kind extends LedgerEvent['kind']>(
  desk: Desk,
  kind: Kind,
): Extract<LedgerEvent, { kind: Kind }>[] {
  return eventsOf(desk).filter((event): event is Extract<LedgerEvent, { kind: Kind }> => event.kind === kind)
}

/** What became of an order at last. */
export function lastWord(desk: Desk, request: OrderRequest): { status: string; message?: string; remaining: number } {
  const { status, message, remaining } = eventsOfKind(desk, 'order').findLast(({ cloid }) => cloid === request.cloid)!
  return { status, remaining, ...(message && { message }) }
}
