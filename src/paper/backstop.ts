import { MillraceError } from '#data/errors.ts'
import { afterFill, type Holding } from '../account/account.ts'
import { MICRO } from '../account/money.ts'
import type { Journal } from '../ledger/journal.ts'
import { LIQUIDATION } from '../ledger/state.ts'
import { valueAt } from './margin.ts'
import { ENDED } from './rules.ts'

/** An open position that is taken over; money in micro-dollars. */
export interface TakenPosition {
  readonly coin: string
  readonly holding: Readonly<Pick<Holding, 'size' | 'cost'>>
  /** Mark in dollars; the last one where there is none now. */
  readonly mark: number
  readonly maintenance: number
}

/**
 * The liquidator vault takes positions with all the margin behind them (Hyperliquid document, section 6): the ledger
 * knows that as fills at prices that leave nothing of the margin, without a fee.
 *
 * What is left goes to the vault, each position giving as much as its share of the maintenance margin. Where the margin
 * is negative already, the venue deleverages others against the positions: they end better than their marks, so that
 * nothing is owed. Of the missing amount each position that lost gets a share as large as its share of the losses, which
 * puts its price between its mark and its entry.
 *
 * @param margin what all of them answer with at these marks, micro-dollars: afterwards it is 0, to the micro-dollar.
 * @throws {MillraceError} `fail-closed` where no prices above zero do that, which needs a debt before the positions.
 */
export function takeOver(journal: Journal, positions: readonly TakenPosition[], margin: number, time: number): void {
  const values = positions.map(({ holding, mark }) => valueAt(holding, mark))
  const given = shared(margin, margin < 0 ? creditWeights(positions, values, -margin) : maintenances(positions))
  positions.forEach(({ coin, holding }, i) => {
    const size = -holding.size
    const notional = given[i] - values[i]
    const price = notional / size / MICRO
    if (!(price >= 0)) {
      throw new MillraceError(
        'fail-closed',
        `${coin}: no price of the position pays a debt of ${-margin / MICRO} dollars; the account owed before`,
        { coin, time, margin, price },
      )
    }
    cancelOrders(journal, coin, time)
    journal.record({
      kind: 'fill',
      time,
      coin,
      cloid: LIQUIDATION,
      size,
      price,
      notional,
      fee: 0,
      liquidity: 'taker',
      slippage: given[i],
      closedPnl: afterFill(holding, size, notional).realised,
    })
  })
}

function maintenances(positions: readonly TakenPosition[]): number[] {
  return positions.map(({ maintenance }) => maintenance)
}

/** Who is credited with a debt. Losses are larger than it unless money was owed before: then longs, then shorts. */
function creditWeights(positions: readonly TakenPosition[], values: readonly number[], debt: number): number[] {
  const losses = positions.map(({ holding }, i) => Math.max(0, holding.cost - values[i]))
  if (losses.reduce((sum, loss) => sum + loss, 0) >= debt) return losses
  return values.some((value) => value > 0) ? values.map((value) => Math.max(0, value)) : values.map(Math.abs)
}

/** Splits whole micro-dollars by weights into whole ones; the parts add up exactly. */
function shared(amount: number, weights: readonly number[]): number[] {
  let weightLeft = weights.reduce((sum, weight) => sum + weight, 0)
  let left = amount
  return weights.map((weight) => {
    const part = weightLeft > 0 ? Math.round(left * Math.min(1, weight / weightLeft)) : 0
    weightLeft -= weight
    left -= part
    return part === 0 ? 0 : part
  })
}

/** The venue takes back what the account still had in the book of a coin that it has taken. */
function cancelOrders({ state, record }: Journal, coin: string, time: number): void {
  for (const { intent, status, remaining } of [...state.openOrders.values()]) {
    if (intent.coin !== coin || status !== 'open') continue
    const { cloid } = intent.order
    record({ kind: 'order', time, coin, cloid, status: 'cancelled', remaining, message: ENDED.liquidated })
  }
}
