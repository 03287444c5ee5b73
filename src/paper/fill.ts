import { afterFill } from '../account/account.ts'
import { toMicro } from '../account/money.ts'
import type { FillEvent } from '../ledger/events.ts'
import type { Journal } from '../ledger/journal.ts'
import { LIQUIDATION } from '../ledger/state.ts'
import type { Contract } from '../venue/venue.ts'
import { heldOf } from './collateral.ts'
import type { FeeRates } from './fees.ts'
import { fundIsolated, releaseMargin, shrinkMargin } from './isolated.ts'
import { isolatedMargin } from './margin.ts'
import { openingSize } from './rules.ts'

/** What was traded. */
export interface Execution extends Pick<FillEvent, 'cloid' | 'time' | 'size' | 'price' | 'liquidity'> {
  /** Price that slippage is measured against: that of the decision, or the mark of a liquidation. */
  readonly referencePrice: number
}

/**
 * Records a fill with its fee, and for an isolated position the margin that goes with it: the initial margin of what
 * opens comes in before, what is left of a closed one goes back after.
 */
export function recordFill(journal: Journal, contract: Contract, execution: Execution, rates: FeeRates): void {
  const { coin } = contract
  const { cloid, time, size, price, liquidity, referencePrice } = execution
  const held = heldOf(journal.state.account, coin)
  const before = held.size
  const notional = toMicro(size * price)
  const { realised, size: after } = afterFill(held, size, notional)
  const turned = before !== 0 && after !== 0 && Math.sign(after) !== Math.sign(before)
  const isolated = held.mode === 'isolated'
  const initialMargin = toMicro((openingSize(size, before) * price) / held.leverage)
  if (isolated && !turned && initialMargin > 0) fundIsolated(journal, coin, initialMargin, time)
  journal.record({
    kind: 'fill',
    time,
    coin,
    cloid,
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
    const holding = journal.state.account.holdings.get(coin)!
    fundIsolated(journal, coin, initialMargin - isolatedMargin(holding), time)
  } else if (contract.strictlyIsolated === true && initialMargin === 0 && cloid !== LIQUIDATION) {
    // What is left of a position that is being liquidated keeps its margin.
    shrinkMargin(journal, coin, Math.abs(size / before), time)
  }
}
