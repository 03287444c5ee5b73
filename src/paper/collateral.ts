import { type Account, type Holding, roundSize, valueAtMark } from '../account/account.ts'
import { toMicro } from '../account/money.ts'
import type { Listing } from '../venue/venue.ts'
import { exceedsTier, openingSize, WORDS } from './rules.ts'
import { availableMargin } from './standing-in.ts'

/** A coin's holding as it is; flat, cross and without leverage where there never was one. */
export function heldOf(account: Account, coin: string): Pick<Holding, 'size' | 'cost' | 'mode' | 'leverage'> {
  return account.holdings.get(coin) ?? { size: 0, cost: 0, mode: 'cross', leverage: 1 }
}

/**
 * What the venue would say about the margin of a trade: it is checked when an order is accepted, when it arrives, and
 * again when a resting order is matched, and only for what opens. Initial margin is |coins| x mark / leverage
 * (Hyperliquid document, section 6); what the trade closes before it opens gives its own margin back.
 *
 * @param size signed coins.
 * @param mark price that the size is valued at.
 * @returns the venue's words; undefined where the margin is enough.
 */
export function marginLack(
  account: Account,
  listing: Listing,
  listings: ReadonlyMap<string, Listing>,
  size: number,
  mark: number,
): string | undefined {
  const { contract } = listing
  const held = heldOf(account, contract.coin)
  const opening = openingSize(size, held.size)
  if (opening === 0) return undefined
  const after = Math.abs(roundSize(held.size + size))
  if (exceedsTier(contract, after * mark, held.leverage)) return WORDS.tier
  const needed = toMicro((opening * mark) / held.leverage)
  const free = availableMargin(account, listings) + freedByClosing(account, contract.coin, size)
  return needed > free ? WORDS.margin : undefined
}

/** Micro-dollars of margin that a trade against the position sets free before it opens anything. */
function freedByClosing(account: Account, coin: string, size: number): number {
  const holding = account.holdings.get(coin)
  if (holding === undefined || holding.size === 0 || Math.sign(holding.size) === Math.sign(size)) return 0
  const value = valueAtMark(holding)
  return holding.mode === 'isolated' ? Math.max(0, holding.rawUsd + value) : Math.abs(value) / holding.leverage
}
