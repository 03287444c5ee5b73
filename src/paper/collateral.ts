import { type Account, type Holding, roundSize, valueAtMark } from '../account/account.ts'
import { toMicro } from '../account/money.ts'
import type { Contract } from '../venue/venue.ts'
import { crossAccountValue, isolatedMargin, maxLeverageAt } from './margin.ts'
import { openingSize, WORDS } from './rules.ts'

/** A coin's holding as it is; flat, cross and without leverage where there never was one. */
export function heldOf(account: Account, coin: string): Pick<Holding, 'size' | 'cost' | 'mode' | 'leverage'> {
  return account.holdings.get(coin) ?? { size: 0, cost: 0, mode: 'cross', leverage: 1 }
}

/**
 * Micro-dollars free for a new position as far as the ledger alone can tell: an order is accepted without a look at the
 * other coins' contracts. `availableMargin`, which has them, is asked when it arrives.
 */
export function freeAtChosenLeverage(account: Account): number {
  let initial = 0
  for (const { size, mark, mode, leverage } of account.holdings.values()) {
    if (mode === 'cross') initial += Math.abs(valueAtMark({ size, mark })) / leverage
  }
  return crossAccountValue(account) - initial
}

/**
 * What the venue would say about the margin of a trade: it is checked when an order is accepted, when it arrives, and
 * again when a resting order is matched, and only for what opens. Initial margin is |coins| x mark / leverage
 * (Hyperliquid document, section 6); what the trade closes before it opens gives its own margin back.
 *
 * @param free micro-dollars free for new positions.
 * @param size signed coins.
 * @param mark price that the size is valued at.
 * @returns the venue's words; undefined where the margin is enough.
 */
export function marginLack(
  account: Account,
  contract: Contract,
  free: number,
  size: number,
  mark: number,
): string | undefined {
  const held = heldOf(account, contract.coin)
  const opening = openingSize(size, held.size)
  if (opening === 0) return undefined
  const after = Math.abs(roundSize(held.size + size))
  if (held.leverage > maxLeverageAt(contract, after * mark)) return WORDS.tier
  const needed = toMicro((opening * mark) / held.leverage)
  return needed > free + freedByClosing(account, contract.coin, size) ? WORDS.margin : undefined
}

/** Micro-dollars of margin that a trade against the position sets free before it opens anything. */
function freedByClosing(account: Account, coin: string, size: number): number {
  const holding = account.holdings.get(coin)
  if (holding === undefined || holding.size === 0 || Math.sign(holding.size) === Math.sign(size)) return 0
  if (holding.mode === 'isolated') return Math.max(0, isolatedMargin(holding))
  return Math.abs(valueAtMark(holding)) / holding.leverage
}
