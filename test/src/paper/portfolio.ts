import fc from 'fast-check'
import { allocateBars } from '#data/bars.ts'
import { checkIdentity } from '#src/account/account.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { type Journal, openJournal } from '#src/ledger/journal.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { LIQUIDATION } from '#src/ledger/state.ts'
import { recordFill } from '#src/paper/fill.ts'
import { type CloseAtMarket, checkLiquidations } from '#src/paper/liquidation.ts'
import type { MarginMode } from '#src/venue/order.ts'
import type { Contract, Listing, MarginTier } from '#src/venue/venue.ts'

/** A position to begin with; prices in dollars. */
export interface Opening {
  readonly coin: string
  /** Signed coins. */
  readonly size: number
  readonly entry: number
  readonly mode: MarginMode
  readonly leverage: number
  readonly tiers?: readonly MarginTier[]
}

export const tiersOf = (...tiers: readonly (readonly [lowerBound: number, maxLeverage: number])[]): MarginTier[] =>
  tiers.map(([lowerBound, maxLeverage]) => ({ lowerBound, maxLeverage }))

export function contractWith(marginTiers: readonly MarginTier[], coin = 'BTC'): Contract {
  return { coin, sizeDecimals: 2, marginTiers }
}

/** Up to three tiers, each with less leverage than the one before. */
export const anyTiers = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 3 }),
    fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 2 }),
  )
  .map(([leverages, bounds]) => {
    const at = [0, ...bounds.map((bound) => bound * 2_000).sort((a, b) => a - b)]
    return tiersOf(...leverages.sort((a, b) => b - a).map((leverage, n) => [at[n], leverage] as const))
  })

const FREE = { taker: 0, maker: 0 }
const TAKER = { taker: 0.00045, maker: 0.00015 }

/** A venue's books and an account with positions, opened without fees. */
export interface Portfolio {
  readonly journal: Journal
  readonly listings: ReadonlyMap<string, Listing>
  /** All that was recorded. */
  events(): LedgerEvent[]
  /** The journal as a new process would find it. */
  reopen(): Journal
  /** Fills market orders at the mark made worse by `slip`, up to the worst price; of each order only `share`. */
  booksAt(marks: ReadonlyMap<string, number>, slip?: number, share?: number): CloseAtMarket
}

export function openPortfolio(deposit: number, openings: readonly Opening[]): Portfolio {
  const store = createMemoryLedger()
  const journal = openJournal(store)
  const listings = new Map<string, Listing>()
  journal.record({ kind: 'deposit', time: 0, amount: deposit })
  for (const { coin, size, entry, mode, leverage, tiers = tiersOf([0, 20]) } of openings) {
    const contract = contractWith(tiers, coin)
    listings.set(coin, { contract, bars: allocateBars(coin, 0) })
    journal.record({ kind: 'leverage', time: 0, coin, mode, leverage })
    const opening = {
      time: 0,
      size,
      price: entry,
      liquidity: 'taker',
      cloid: LIQUIDATION,
      referencePrice: entry,
    } as const
    recordFill(journal, contract, opening, FREE)
  }
  journal.commit()
  return {
    journal,
    listings,
    events() {
      journal.commit()
      return [...store.events()]
    },
    reopen() {
      journal.commit()
      return openJournal(store)
    },
    booksAt:
      (marks, slip = 0, share = 1) =>
      (coin, size, time, worstPrice) => {
        const referencePrice = marks.get(coin)!
        const walked = referencePrice * (1 + Math.sign(size) * slip)
        const price = size > 0 ? Math.min(walked, worstPrice) : Math.max(walked, worstPrice)
        const coins = Math.round(size * share * 100) / 100
        if (coins === 0) return
        const fill = { cloid: LIQUIDATION, time, size: coins, price, liquidity: 'taker', referencePrice } as const
        recordFill(journal, listings.get(coin)!.contract, fill, TAKER)
      },
  }
}

/** Looks at the account with these marks, and gives what was recorded by it. */
export function look(
  portfolio: Portfolio,
  prices: Record<string, number>,
  time = 1,
  slip = 0,
  share = 1,
): LedgerEvent[] {
  const marks = new Map(Object.entries(prices))
  const before = portfolio.events().length
  checkLiquidations(portfolio.journal, marks, time, portfolio.listings, portfolio.booksAt(marks, slip, share))
  checkIdentity(portfolio.journal.state.account)
  return portfolio.events().slice(before)
}

export function only<K extends LedgerEvent['kind']>(events: readonly LedgerEvent[], kind: K) {
  return events.filter((event): event is Extract<LedgerEvent, { kind: K }> => event.kind === kind)
}
