import { allocateBars, type Bars, HOUR } from '#data/bars.ts'
import { createRandom, type Random } from '#data/random.ts'
import type { BacktestOutcome } from '#jobs/backtest/gather.ts'
import { variantsOf } from '#jobs/backtest/layers.ts'
import { afterFill, equityOf, exposureOf, holdingOf } from '#src/account/account.ts'
import { toMicro } from '#src/account/money.ts'
import type { ExitReason, LedgerEvent } from '#src/ledger/events.ts'
import { applyEvent, createLedgerState } from '#src/ledger/state.ts'
import { WheelOptions } from '#src/options.ts'
import { createTally } from '#src/rejections.ts'
import { summarise, type WheelResult } from '#src/wheel-result.ts'

/** 2024-12-05T00:00Z */
export const FROM = Date.UTC(2024, 11, 5)

const GATES = [
  'edge',
  'efficiency',
  'moving-average',
  'conviction',
  'sign-flip',
  'positions',
  'record-sharpe',
  'cooldown',
]
const REASONS: readonly ExitReason[] = ['horizon', 'hysteresis', 'opposite signal', 'regime change', 'rotation']

/** Random walks that move together, known from an hour before {@link FROM} on. */
function market(coins: readonly string[], hours: number, random: Random): Bars[] {
  const common = Array.from({ length: hours + 1 }, () => 0.004 * random.normal())
  return coins.map((coin, c) => {
    const bars = allocateBars(coin, hours + 1)
    let close = 100 / (c + 1)
    for (let row = 0; row <= hours; row++) {
      close *= Math.exp(common[row] + 0.004 * random.normal())
      bars.openTime[row] = FROM + (row - 1) * HOUR
      bars.funding[row] = 1.25e-5 + 2e-5 * random.normal()
      for (const column of ['open', 'high', 'low', 'close'] as const) bars[column][row] = close
    }
    return bars
  })
}

/** A wheel that opens and closes by chance: a ledger that keeps every rule, and what follows from it. */
function turn(bars: readonly Bars[], hours: number, options: WheelOptions, random: Random): WheelResult {
  const state = createLedgerState()
  const events: LedgerEvent[] = []
  const tally = createTally()
  const record = (event: LedgerEvent) => {
    applyEvent(state, event)
    events.push(event)
  }
  const sources = Object.keys(options.fusion.weights)
  const weights: Record<string, number> = { ...options.fusion.weights }
  let orders = 0
  const trade = (time: number, coin: string, size: number, price: number, purpose: 'open' | ExitReason) => {
    const cloid = `0x${(++orders).toString(16).padStart(32, '0')}`
    const shares =
      sources.length === 1
        ? { [sources[0]]: 1 }
        : { [sources[0]]: 0.7, [sources[(orders % (sources.length - 1)) + 1]]: 0.3 }
    const direction = size > 0 ? 1 : -1
    const plan = {
      direction,
      holdUntil: time + 24 * HOUR,
      trendProbability: 0.3,
      edge: 0.001,
      sources: shares,
    } as const
    const order = { cloid, coin, size, limitPrice: price, timeInForce: 'Ioc', reduceOnly: purpose !== 'open' } as const
    record({
      kind: 'intent',
      time,
      coin,
      order,
      referencePrice: price,
      purpose: purpose === 'open' ? { opens: plan } : { closes: purpose },
    })
    const filled = price * (1 + 0.0002 * direction)
    const notional = toMicro(size * filled)
    record({
      kind: 'fill',
      time,
      coin,
      cloid,
      size,
      price: filled,
      notional,
      fee: toMicro(0.00045 * Math.abs(size * filled)),
      liquidity: 'taker',
      slippage: toMicro(size * (filled - price)),
      closedPnl: afterFill(holdingOf(state.account, coin), size, notional).realised,
    })
  }
  record({ kind: 'deposit', time: FROM, amount: toMicro(options.capitalDollars) })
  for (let i = 0; i < hours; i++) {
    const time = FROM + i * HOUR
    for (const { coin, close, funding } of bars) {
      const { size } = holdingOf(state.account, coin)
      if (size === 0) continue
      const [price, rate] = [close[i], funding[i]]
      record({ kind: 'funding', time, coin, size, price, rate, amount: -toMicro(size * price * rate) + 0 })
      record({ kind: 'mark', time, coin, price, stale: false })
    }
    record({ kind: 'hour', time, equity: equityOf(state.account), ...exposureOf(state.account) })
    const month = new Date(time).toISOString().slice(0, 7)
    tally.byMonth[month] ??= {}
    for (const [c, { coin, close }] of bars.entries()) {
      const { size } = holdingOf(state.account, coin)
      tally.evaluated++
      const last = i === hours - 2
      if (size !== 0 && (last || random.uniform() < 0.04)) {
        trade(time, coin, -size, close[i], last ? 'end of period' : REASONS[orders % REASONS.length])
      } else if (size === 0 && i < hours - 3 && random.uniform() < 0.002) {
        const side = random.uniform() < 0.5 ? 1 : -1
        trade(time, coin, (side * Math.round((1e4 * 900) / close[i])) / 1e4, close[i], 'open')
      } else {
        const gate = random.uniform() < 0.9 ? 'signal' : GATES[Math.floor(random.uniform() ** 2 * GATES.length)]
        tally.rejections[gate] = (tally.rejections[gate] ?? 0) + 1
        tally.byMonth[month][gate] = (tally.byMonth[month][gate] ?? 0) + 1
      }
      if (c === 0 && i % 700 === 350) {
        const reason = '5 losing trades in a row'
        record({
          kind: 'protection',
          time,
          protection: 'losing-streak',
          scope: '*',
          setBy: 'engine',
          reason,
          until: time + 48 * HOUR,
        })
      }
    }
    if (options.fusion.learning.enabled && i % 6 === 0) {
      for (const source of sources) weights[source] *= Math.exp(0.02 * random.normal())
      record({ kind: 'weights', time, weights: { ...weights } })
    }
  }
  return summarise(
    state,
    events,
    tally,
    bars.map(({ coin }) => coin),
  )
}

export interface SampleOptions {
  readonly coins?: readonly string[]
  readonly hours?: number
  readonly variants?: number
  readonly settings?: object
}

/** A backtest that never was: consistent to the micro-dollar, and meaningless. */
export function sampleOutcome({
  coins = ['BTC', 'ETH', 'SOL'],
  hours = 900,
  variants = 2,
  settings = {},
}: SampleOptions = {}): BacktestOutcome {
  const random = createRandom(11)
  const options = WheelOptions.parse(settings)
  const bars = market(coins, hours, random.fork('market'))
  return {
    generatedAt: Date.UTC(2025, 4, 21, 9, 30),
    source: 'csv',
    origin: 'csv:somewhere',
    range: { from: FROM, to: FROM + hours * HOUR },
    seed: 7,
    options,
    bars,
    estimates: {
      words: 'neural CDE (plain field), 6 models, seed 7',
      degradations: ['no estimates before 2024-12-06'],
    },
    result: turn(bars, hours, options, random.fork('full')),
    variants: variantsOf(options)
      .slice(0, variants)
      .map(({ name, words, options: changed }) => ({
        name,
        words,
        result: turn(bars, hours, changed, random.fork(name)),
      })),
    takerRate: 0.00045,
    random: random.fork('bootstrap'),
    bootstrap: { resamples: 200 },
  }
}
