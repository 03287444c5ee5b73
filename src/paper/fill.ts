import { afterFill, valueAtMark } from '../account/account.ts'
import { toMicro } from '../account/money.ts'
import type { FillEvent } from '../ledger/events.ts'
import type { Journal } from '../ledger/journal.ts'
import { heldOf } from './collateral.ts'
import type { FeeRates } from './fees.ts'
import { openingSize } from './rules.ts'
import { fundIsolated, releaseMargin } from './standing-in.ts'

/** What was traded. */
export interface Execution extends Pick<FillEvent, 'coin' | 'cloid' | 'time' | 'size' | 'price' | 'liquidity'> {
  /** Price that slippage is measured against: that of the decision, or the mark of a liquidation. */
  readonly referencePrice: number
}

/**
 * Records a fill with its fee, and for an isolated position the margin that goes with it: the initial margin of what
 * opens comes in before, what is left of a closed one goes back after.
 */
export function recordFill(journal: Journal, execution: Execution, rates: FeeRates): void {
  const { coin, time, size, price, liquidity, referencePrice } = execution
  const { account } = journal.state
  const held = heldOf(account, coin)
  const notional = toMicro(size * price)
  const { realised, size: after } = afterFill(held, size, notional)
  const isolated = held.mode === 'isolated'
  const turned = held.size !== 0 && after !== 0 && Math.sign(after) !== Math.sign(held.size)
  const initialMargin = toMicro((openingSize(size, held.size) * price) / held.leverage)
  if (isolated && !turned && initialMargin > 0) fundIsolated(journal, coin, initialMargin, time)
  journal.record({
    kind: 'fill',
    time,
    coin,
    cloid: execution.cloid,
    size,
    price,
    notional,
    fee: toMicro(Math.abs(size * price) * rates[liquidity]),
    liquidity,
    slippage: toMicro(size * (price - referencePrice)),
    closedPnl: realised,
  })
  if (!isolated) return
  if (after === 0) releaseMargin(journal, coin, time)
  // Turned over: the new position has its initial margin, whatever the old one left.
  else if (turned) {
    const holding = account.holdings.get(coin)!
    const amount = initialMargin - (holding.rawUsd + valueAtMark(holding))
    if (amount !== 0) fundIsolated(journal, coin, amount, time)
  }
}
