import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { backtestOfPaper } from '#jobs/trading/backtest-of-paper.ts'
import { replayFeed } from '#jobs/trading/feed.ts'
import { tradeOn } from '#jobs/trading/trade-on.ts'
import type { Engine } from '#src/engine.ts'
import { openJournal } from '#src/ledger/journal.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { WheelOptions } from '#src/options.ts'
import { createPaperExchange } from '#src/paper/exchange.ts'
import { type BacktestDistance, distanceToBacktest } from '#src/performance/distance.ts'
import { createScanners } from '#src/scanners/all.ts'
import { createScanBook } from '#src/wheel/snapshot.ts'
import { runWheel } from '#src/wheel.ts'
import { buildMarkets, type Market } from '#training/dataset.ts'
import { CENTRED_LABEL } from '#training/labels.ts'
import type { PreparedMarkets } from '#training/prepare.ts'
import { makeBars, START, withOtherFuture } from '../../src/market.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const HOURS = 620
const range = { from: START + 300 * HOUR, to: START + HOURS * HOUR }
const coins = ['AAA', 'BBB', 'CCC', 'DDD', 'EEE', 'FFF']
const bars = coins.map((coin) => makeBars(coin, HOURS, 33))
const options = WheelOptions.parse({
  requireEdge: false,
  validation: { minEfficiency: 0.1 },
  hazard: { maxSignFlip: 0.9 },
  fusion: { minConviction: 0.02 },
})
/** Some regimes that change with coin and hour. */
const regimeOf = (coin: string, asOf: number) => {
  const chop = 0.2 + 0.6 * Math.abs(Math.sin(coin.charCodeAt(0) + asOf / HOUR / 17))
  return [Math.fround(chop), Math.fround((1 - chop) / 2), Math.fround((1 - chop) / 2)] as const
}
const context = { now: () => START, progress: () => {}, logger }

async function backtest() {
  const estimates = new Map(
    coins.map((coin) => {
      const asOf = Float64Array.from({ length: 320 }, (_, i) => range.from + i * HOUR)
      return [coin, { asOf, probabilities: Float32Array.from([...asOf].flatMap((time) => regimeOf(coin, time))) }]
    }),
  )
  const store = createMemoryLedger()
  const result = await runWheel({ bars, estimates, model: 'test', range, options, store, keepStories: true })
  return { store, result }
}

/** The same history through the paper clock, an hour at a time, stopped and opened again now and then. */
async function paper(markets: readonly Market[], hours: number, until = Number.POSITIVE_INFINITY) {
  const prepared: PreparedMarkets = {
    markets,
    coins,
    label: CENTRED_LABEL,
    range: { from: range.from, to: Math.min(range.to, until) },
    origin: 'test',
    hash: '',
    notices: [],
    instruments: [],
  }
  const store = createMemoryLedger()
  for (let stopped = ''; stopped !== 'the data end here'; ) {
    const engine: Engine = {
      journal: openJournal(store),
      venue: createPaperExchange(options.exchange),
      book: createScanBook(createScanners(options), 24),
      options,
      keepStories: true,
    }
    const done = await tradeOn(engine, replayFeed(prepared, range.from, 0), { hours }, context, async ({ asOf }) => ({
      estimates: new Map(coins.map((coin) => [coin, regimeOf(coin, asOf)])),
      model: 'test',
      degraded: [],
    }))
    stopped = done.stopped
  }
  return store
}

describe('paper and backtest', () => {
  it('do the same at every hour, event by event and story by story, however often paper is stopped', async () => {
    const tested = await backtest()
    const end = range.to - 2 * HOUR
    const untilEnd = (events: Iterable<{ time: number }>) => [...events].filter(({ time }) => time < end)
    expect(tested.result.trades).toBeGreaterThan(5)
    for (const hours of [1000, 37]) {
      const store = await paper(buildMarkets(bars), hours)
      expect(untilEnd(store.events())).toEqual(untilEnd(tested.store.events()))
      for (let asOf = range.from; asOf < end; asOf += HOUR) {
        expect(store.stories(asOf)?.json).toBe(tested.store.stories(asOf)?.json)
      }
    }
  })

  it('do not change where the future is another, or is not there', async () => {
    const whole = await paper(buildMarkets(bars), 1000)
    for (const hour of [350, 471]) {
      const now = START + hour * HOUR
      const known = (events: Iterable<{ time: number }>) => [...events].filter(({ time }) => time <= now)
      const other = await paper(buildMarkets(bars.map((history) => withOtherFuture(history, hour))), 1000, now + HOUR)
      expect(known(other.events())).toEqual(known(whole.events()))
    }
  })

  it('are no distance apart where the backtest is that of the ledger itself', async () => {
    const store = await paper(buildMarkets(bars), 50)
    const hours = await backtestOfPaper({ store, bars, instruments: [] })
    const told = [...store.events()].filter((event) => event.kind === 'hour')
    // Regimes are kept to seven digits: enough for the same decisions.
    expect(hours.map(({ time, equity }) => [time, equity])).toEqual(told.map(({ time, equity }) => [time, equity]))
    const corrected = bars.map((history, i) => (i === 0 ? withOtherFuture(history, 400) : history))
    const other = await backtestOfPaper({ store, bars: corrected, instruments: [] })
    expect(distanceToBacktest(told, other)).toMatchObject({ hours: told.length })
    expect((distanceToBacktest(told, hours) as BacktestDistance).greatest).toBe(0)
    expect((distanceToBacktest(told, other) as BacktestDistance).greatest).toBeGreaterThan(0)
  })
})
