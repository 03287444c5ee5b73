import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { afterFill, equityOf, exposureOf, holdingOf } from '#src/account/account.ts'
import { toMicro } from '#src/account/money.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { applyEvent, createLedgerState } from '#src/ledger/state.ts'

export const START = Date.UTC(2025, 0, 1)
const SOURCES = ['ou-funding', 'kalman-funding', 'breakout']

/**
 * Hours of a ledger in which orders open, add to, reduce, close and turn positions at prices off the ones decided at,
 * and funding is settled: everything that attribution has to tell apart. The same seed gives the same events.
 */
export function makeBooks(seed: number, hours: number): LedgerEvent[] {
  const random = createRandom(seed)
  const events: LedgerEvent[] = []
  const state = createLedgerState()
  const note = (event: LedgerEvent) => {
    applyEvent(state, event)
    events.push(event)
  }
  note({ kind: 'deposit', time: START, amount: toMicro(10_000) })
  // As the engine does: what there is at the beginning is told as well.
  note({ kind: 'hour', time: START, equity: toMicro(10_000), gross: 0, net: 0 })
  const prices = new Map(['BTC', 'ETH'].map((coin) => [coin, 100]))
  for (let hour = 1; hour <= hours; hour++) {
    const time = START + hour * HOUR
    for (const [index, [coin, before]] of [...prices].entries()) {
      const price = before * Math.exp(0.01 * random.normal())
      prices.set(coin, price)
      if (random.uniform() < 0.5) continue
      const size = Math.round((random.uniform() - 0.5) * 4000) / 100
      const holding = holdingOf(state.account, coin)
      // Now and then exactly flat.
      const signed = holding.size !== 0 && random.uniform() < 0.3 ? -holding.size : size || 1
      const cloid = `0x${(events.length + 1).toString(16).padStart(32, '0')}`
      const closes = holding.size !== 0 && Math.sign(signed) !== Math.sign(holding.size)
      const shares = Object.fromEntries(SOURCES.map((source) => [source, random.uniform()]))
      const direction = signed > 0 ? 1 : -1
      note({
        kind: 'intent',
        time: time - HOUR + index,
        coin,
        order: {
          cloid,
          coin,
          size: signed,
          limitPrice: signed > 0 ? price * 2 : price / 2,
          timeInForce: 'Ioc',
          reduceOnly: false,
        },
        referencePrice: price,
        purpose:
          closes && random.uniform() < 0.5
            ? { closes: 'horizon' }
            : { opens: { direction, holdUntil: time, trendProbability: 0.2, edge: 0, sources: shares } },
      })
      const filled = price * (1 + 0.001 * random.normal())
      const notional = toMicro(signed * filled)
      note({
        kind: 'fill',
        time: time - HOUR + index,
        coin,
        cloid,
        size: signed,
        price: filled,
        notional,
        fee: toMicro(Math.abs(signed * filled) * 0.00045),
        liquidity: 'taker',
        slippage: toMicro(signed * (filled - price)),
        closedPnl: afterFill(holding, signed, notional).realised,
      })
    }
    for (const [coin, price] of prices) {
      const { size } = holdingOf(state.account, coin)
      if (size === 0) continue
      const rate = 1e-4 * random.normal()
      note({ kind: 'funding', time, coin, size, price, rate, amount: toMicro(-size * price * rate) })
      note({ kind: 'mark', time, coin, price, stale: false })
    }
    note({ kind: 'hour', time, equity: equityOf(state.account), ...exposureOf(state.account) })
  }
  return events
}
