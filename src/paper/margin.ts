import { InputError, MillraceError } from '#data/errors.ts'
import { type Account, type Holding, valueAtMark } from '../account/account.ts'
import { MICRO, toMicro } from '../account/money.ts'
import type { Contract, Listing } from '../venue/venue.ts'

/** Prices at which positions are valued instead of their last mark; `NaN` or absent: the last mark stays. */
export type Marks = ReadonlyMap<string, number>

/** Share of the notional that must stay behind when margin is taken out, at any leverage. */
const TRANSFER_SHARE = 0.1

/** Fraction of notional that a tier demands: half of what opening at its maximum leverage would. */
export function tierRate(maxLeverage: number): number {
  return 1 / (2 * maxLeverage)
}

/** Most leverage that a position of this notional (dollars) may have. */
export function maxLeverageAt({ marginTiers }: Contract, notional: number): number {
  let { maxLeverage } = marginTiers[0]
  for (const tier of marginTiers) if (notional >= tier.lowerBound) maxLeverage = tier.maxLeverage
  return maxLeverage
}

/** Maintenance margin rate of the tier that a notional (dollars) lies in, fraction: l in the liquidation price. */
export function marginRate(contract: Contract, notional: number): number {
  return tierRate(maxLeverageAt(contract, notional))
}

/**
 * Maintenance margin of a position in dollars: notional x rate(n) - deduction(n), where the deduction makes it continuous
 * across tiers (Hyperliquid document, section 6). Each tier therefore charges the notional above its bound with what its
 * rate exceeds the one before, and the sum is this one.
 *
 * @param notional dollars, 0 or more.
 */
export function maintenanceMargin({ marginTiers }: Contract, notional: number): number {
  let margin = 0
  let before = 0
  for (const { lowerBound, maxLeverage } of marginTiers) {
    if (notional <= lowerBound) break
    const rate = tierRate(maxLeverage)
    margin += (notional - lowerBound) * (rate - before)
    before = rate
  }
  return margin
}

/**
 * Initial margin of a position in dollars: notional / leverage, checked when a position is opened. One that has grown
 * into a tier of less leverage is counted at the tier's.
 */
export function initialMargin(contract: Contract, notional: number, leverage: number): number {
  return notional / Math.min(leverage, maxLeverageAt(contract, notional))
}

/**
 * The mark of a coin now.
 *
 * @returns undefined where it is not known.
 * @throws {InputError} where it is not a price.
 */
export function markNow(marks: Marks, coin: string): number | undefined {
  const mark = marks.get(coin)
  if (mark === undefined || Number.isNaN(mark)) return undefined
  if (mark > 0 && Number.isFinite(mark)) return mark
  throw new InputError(`${coin}: a mark of ${mark} is not a price`, { coin, field: 'mark', value: mark })
}

/** Value of a position in micro-dollars, signed like its size. */
export function valueAt(holding: Pick<Holding, 'size'>, mark: number): number {
  return valueAtMark({ size: holding.size, mark })
}

/**
 * Micro-dollars that all cross positions answer with: cash that belongs to no isolated position, plus the value of the
 * cross positions, unrealised profit and loss included.
 */
export function crossAccountValue(account: Account, marks?: Marks): number {
  let value = account.cash
  for (const [coin, holding] of account.holdings) {
    value -= holding.rawUsd
    if (holding.size === 0 || holding.mode === 'isolated') continue
    value += valueAt(holding, (marks && markNow(marks, coin)) ?? holding.mark)
  }
  return value
}

/** Micro-dollars that an isolated position answers with: its own cash and its value. */
export function isolatedMargin(holding: Holding, mark: number = holding.mark): number {
  return holding.rawUsd + valueAt(holding, mark)
}

/**
 * Micro-dollars free for a new position, at the last marks: cross account value less the initial margins of the cross
 * positions. Negative where they have outgrown it. Unrealised profit counts; an isolated position is paid for from it.
 *
 * @throws {MillraceError} `fail-closed` where a cross position has no listing.
 */
export function availableMargin(account: Account, listings: ReadonlyMap<string, Listing>): number {
  const { initial } = crossRequirements(account, listings)
  return Math.floor(crossAccountValue(account) - initial)
}

/**
 * Micro-dollars that could be withdrawn, or moved into an isolated position that needs none: what remains must be
 * max(initial margins, 0.1 x notional) of the cross positions (section 6).
 *
 * @throws {MillraceError} `fail-closed` where a cross position has no listing.
 */
export function withdrawable(account: Account, listings: ReadonlyMap<string, Listing>): number {
  const { initial, notional } = crossRequirements(account, listings)
  return Math.max(0, Math.floor(crossAccountValue(account) - Math.max(initial, TRANSFER_SHARE * notional)))
}

/** Micro-dollars that could be taken out of an isolated position by the same rule; none where margin must stay. */
export function removableMargin(holding: Holding, contract: Contract): number {
  if (contract.strictlyIsolated === true) return 0
  const notional = Math.abs(valueAtMark(holding))
  const initial = initialMargin(contract, notional / MICRO, holding.leverage) * MICRO
  return Math.max(0, Math.floor(isolatedMargin(holding) - Math.max(initial, TRANSFER_SHARE * notional)))
}

/**
 * Maintenance margin of an open position at a mark, micro-dollars and not rounded.
 *
 * @throws {MillraceError} `fail-closed` where the coin has no listing.
 */
export function maintenanceOf(
  coin: string,
  holding: Pick<Holding, 'size'>,
  mark: number,
  listings: ReadonlyMap<string, Listing>,
): number {
  return maintenanceMargin(contractIn(listings, coin), Math.abs(holding.size) * mark) * MICRO
}

/** @throws {MillraceError} `fail-closed` where the coin has no listing: what it must be backed with is not known then. */
export function contractIn(listings: ReadonlyMap<string, Listing>, coin: string): Contract {
  const listing = listings.get(coin)
  if (listing !== undefined) return listing.contract
  throw new MillraceError('fail-closed', `${coin} is held and not listed: its margin is not known`, { coin })
}

/** Sums over the cross positions at their last marks, micro-dollars. */
function crossRequirements(account: Account, listings: ReadonlyMap<string, Listing>) {
  let initial = 0
  let notional = 0
  for (const [coin, holding] of account.holdings) {
    if (holding.size === 0 || holding.mode === 'isolated') continue
    const value = Math.abs(valueAtMark(holding))
    initial += toMicro(initialMargin(contractIn(listings, coin), value / MICRO, holding.leverage))
    notional += value
  }
  return { initial, notional }
}
