import { HOUR } from '#data/bars.ts'
import { toMicro } from '#src/account/money.ts'
import type { Trade } from '#src/ledger/history.ts'
import { applyEvent, createLedgerState, type LedgerState } from '#src/ledger/state.ts'
import { START } from '../market.ts'

/** A trade that ended at `closedAt` and brought `net` dollars. */
export function tradeOf(coin: string, closedAt: number, net: number): Trade {
  return {
    coin,
    direction: 1,
    size: 1,
    openedAt: closedAt - 1,
    closedAt,
    entryPrice: 100,
    exitPrice: 100 + net,
    realised: toMicro(net),
    funding: 0,
    fees: 0,
    slippage: 0,
    net: toMicro(net),
    reason: 'horizon',
    sources: {},
  }
}

/** A ledger in which equity (dollars) was told each hour from {@link START} on, and these trades were closed. */
export function ledgerOf(equities: readonly number[], trades: readonly Trade[] = []): LedgerState {
  const state = createLedgerState()
  applyEvent(state, { kind: 'deposit', time: START, amount: toMicro(equities[0]) })
  for (const [i, equity] of equities.entries()) {
    applyEvent(state, { kind: 'hour', time: START + i * HOUR, equity: toMicro(equity), gross: 0, net: 0 })
  }
  state.history.trades.push(...trades)
  return state
}
