import type { Account } from '../account/account.ts'
import { MICRO } from '../account/money.ts'
import type { Contract, Listing } from '../venue/venue.ts'
import { contractIn, crossAccountValue, isolatedMargin, maintenanceOf, tierRate } from './margin.ts'

/**
 * Mark price at which a position's margin is no more than its maintenance margin: px - side * margin_available / size /
 * (1 - l * side), with the rate l of the tier that applies at that price (Hyperliquid document, section 6).
 *
 * With margin_available = margin - (|size| px l - deduction) the price of each tier is explicit. Rates rise from tier to
 * tier, so the maintenance margin is the largest that any tier's line gives, and the first line met on the way is the
 * tier that applies there: the highest of the prices for a long, the lowest for a short.
 *
 * @param position signed coins, and its mark in dollars.
 * @param margin dollars that the position answers with at that mark: an isolated position's own, or the cross account
 *   value less the maintenance margins of the other cross positions.
 * @returns dollars; null for a flat position, and where no price above zero comes to it.
 */
export function liquidationPrice(
  { marginTiers }: Contract,
  { size, mark }: { readonly size: number; readonly mark: number },
  margin: number,
): number | null {
  if (size === 0) return null
  const side = Math.sign(size)
  const coins = Math.abs(size)
  let deduction = 0
  let before = tierRate(marginTiers[0].maxLeverage)
  let found = side > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  for (const { lowerBound, maxLeverage } of marginTiers) {
    const rate = tierRate(maxLeverage)
    deduction += lowerBound * (rate - before)
    before = rate
    const available = margin - (coins * mark * rate - deduction)
    const price = mark - (side * available) / coins / (1 - rate * side)
    found = side > 0 ? Math.max(found, price) : Math.min(found, price)
  }
  return found > 0 ? found : null
}

/**
 * The liquidation price of a coin's position as the account stands, all other marks staying where they are. That of a
 * cross position does not depend on its chosen leverage.
 *
 * @throws {MillraceError} `fail-closed` where a position that takes part has no listing.
 */
export function liquidationPriceOf(
  account: Account,
  coin: string,
  listings: ReadonlyMap<string, Listing>,
): number | null {
  const holding = account.holdings.get(coin)
  if (holding === undefined || holding.size === 0) return null
  const contract = contractIn(listings, coin)
  if (holding.mode === 'isolated') return liquidationPrice(contract, holding, isolatedMargin(holding) / MICRO)
  let margin = crossAccountValue(account)
  for (const [other, { size, mark, mode }] of account.holdings) {
    if (other !== coin && size !== 0 && mode === 'cross') margin -= maintenanceOf(other, { size }, mark, listings)
  }
  return liquidationPrice(contract, holding, margin / MICRO)
}
