import { createHash } from 'node:crypto'
import type { Bars, TimeRange } from '#data/bars.ts'
import { MillraceError } from '#data/errors.ts'
import type { Random } from '#data/random.ts'
import { toDollars } from '#src/account/money.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import type { Trade } from '#src/ledger/history.ts'
import type { WheelOptions } from '#src/options.ts'
import type { Split } from '#src/performance/attribution.ts'
import type { Figure } from '#src/performance/figure.ts'
import { isKnown } from '#src/performance/figure.ts'
import { performanceWithin } from '#src/performance/performance.ts'
import { sharpeOf, type Trials } from '#src/performance/sharpe.ts'
import type { WheelResult } from '#src/wheel-result.ts'
import { holm } from '#statistics/multiple-testing.ts'
import { doingNothing, holding, type KnownBaseline } from './baselines.ts'
import type { BacktestReportData, BaselineResult, LayerResult, MoneySplit, TradeRow, WeightHistory } from './data.ts'
import type { BacktestEstimates } from './estimates.ts'
import { gateWords } from './gates.ts'
import { type HourlyEquity, hourlyReturns, type LayerWorthOptions, layerWorth } from './layers.ts'

/** What is known when a backtest is over. */
export interface BacktestOutcome {
  readonly generatedAt: number
  readonly source: string
  readonly origin: string
  readonly range: TimeRange
  readonly seed: number
  readonly options: WheelOptions
  /** Of every coin traded. */
  readonly bars: readonly Bars[]
  readonly estimates: Pick<BacktestEstimates, 'words' | 'degradations'>
  readonly result: WheelResult
  readonly variants: readonly { readonly name: string; readonly words: string; readonly result: WheelResult }[]
  /** What a baseline pays to trade, fraction of notional. */
  readonly takerRate: number
  /** Configurations that were tried before this one was chosen; there is no deflated ratio without. */
  readonly trials?: Trials
  readonly random: Random
  readonly bootstrap?: LayerWorthOptions
}

const BENCHMARK = 'BTC'

/**
 * Puts together what the page on a backtest shows.
 *
 * @throws {MillraceError} `fail-closed` where the events do not lead to the result
 */
export function gatherBacktest(outcome: BacktestOutcome): BacktestReportData {
  const { options, result, range, bars, random, bootstrap, trials } = outcome
  const { events } = result
  const performance = performanceWithin(events, { ...(trials && { trials }) })
  const [told, followed] = [result.micro.equityChange, performance.attribution.total.net]
  if (told !== followed) {
    const words = `the events lead to an equity change of ${followed} micro-dollars, the result says ${told}`
    throw new MillraceError('fail-closed', words, { told, followed })
  }
  const equity = equityOf(result, options)
  const hours = result.history.hours
  return {
    generatedAt: outcome.generatedAt,
    source: outcome.source,
    origin: outcome.origin,
    coins: bars.map(({ coin }) => coin),
    range,
    seed: outcome.seed,
    settings: createHash('sha256').update(JSON.stringify(options)).digest('hex'),
    capitalDollars: options.capitalDollars,
    model: { words: outcome.estimates.words, degradations: outcome.estimates.degradations },
    equity,
    drawdown: drawdownSeries(equity),
    exposure: {
      gross: hours.map((hour) => (hour.equity > 0 ? hour.gross / hour.equity : Number.NaN)),
      net: hours.map((hour) => (hour.equity > 0 ? hour.net / hour.equity : Number.NaN)),
    },
    split: {
      total: inDollars(performance.attribution.total),
      byCoin: Object.fromEntries(
        Object.entries(performance.attribution.byCoin).map(([coin, split]) => [
          coin,
          { ...inDollars(split), trades: result.tradeLog.filter((trade) => trade.coin === coin).length },
        ]),
      ),
      bySource: Object.fromEntries(
        Object.entries(performance.attribution.bySource).map(([source, split]) => [source, inDollars(split)]),
      ),
      cumulative: cumulativeSplit(events),
    },
    trades: result.tradeLog.map(tradeRow),
    decisions: result.decisions,
    rejections: {
      counts: Object.entries(result.rejections)
        .map(([gate, count]) => ({ gate, words: gateWords(gate), count }))
        .sort((a, b) => b.count - a.count),
      byMonth: result.rejectionsByMonth,
    },
    weights: weightHistory(events, options),
    protections: events.flatMap((event) => {
      if (event.kind !== 'protection') return []
      const { kind: _, ...protection } = event
      return [protection]
    }),
    figures: {
      hours: performance.hours,
      missingHours: performance.missingHours,
      totalReturn: performance.totalReturn,
      sharpe: performance.sharpe,
      sortino: performance.sortino,
      drawdown: performance.drawdown,
      turnover: performance.turnover,
      exposure: performance.exposure,
      trades: {
        count: performance.trades.count,
        winRate: performance.trades.winRate,
        profitFactor: performance.trades.profitFactor,
        meanWin: figureInDollars(performance.trades.meanWin),
        meanLoss: figureInDollars(performance.trades.meanLoss),
        meanHours: performance.trades.meanHours,
      },
    },
    incidents: {
      lapsed: result.lapsed,
      liquidations: result.liquidations,
      unknownFundingHours: result.unknownFundingHours,
      staleMarkHours: result.staleMarkHours,
      stillOpen: result.stillOpen,
    },
    baselines: baselinesOf(outcome).map(
      (baseline): BaselineResult =>
        'unavailable' in baseline
          ? baseline
          : { ...baseline, worth: layerWorth(equity, baseline.equity, random.fork(baseline.name), bootstrap) },
    ),
    layers: layersOf(outcome, equity),
  }
}

function baselinesOf({ bars, range, options, takerRate }: BacktestOutcome): KnownBaseline[] {
  const benchmark = bars.find(({ coin }) => coin === BENCHMARK)
  return [
    doingNothing(range, options.capitalDollars),
    benchmark === undefined
      ? { name: `holding ${BENCHMARK}`, unavailable: `${BENCHMARK} is not among the coins` }
      : holding(benchmark, range, options.capitalDollars, takerRate),
  ]
}

function layersOf({ variants, options, random, bootstrap }: BacktestOutcome, full: HourlyEquity): LayerResult[] {
  const found = variants.map(({ name, words, result }) => {
    const equity = equityOf(result, options)
    return {
      name,
      words,
      equityChange: result.equityChange,
      sharpe: sharpeOf(hourlyReturns(equity)),
      trades: result.trades,
      equity,
      worth: layerWorth(full, equity, random.fork(name), bootstrap),
    }
  })
  const corrected = holm(found.map(({ worth }) => worth.p))
  return found.map((layer, i) => ({ ...layer, corrected: corrected[i] }))
}

const equityOf = ({ equity }: WheelResult, { capitalDollars }: WheelOptions): HourlyEquity => ({
  opening: capitalDollars,
  time: equity.time,
  value: equity.value,
})

function drawdownSeries({ opening, value }: HourlyEquity): number[] {
  let peak = opening
  return value.map((each) => {
    peak = Math.max(peak, each)
    return 1 - each / peak
  })
}

/** Profit and loss since the beginning at the end of each told hour, from the events. */
function cumulativeSplit(events: readonly LedgerEvent[]): BacktestReportData['split']['cumulative'] {
  const columns = { price: [], funding: [], fees: [], slippage: [], net: [] } as Record<keyof MoneySplit, number[]>
  let [paidIn, funding, fees, slippage] = [0, 0, 0, 0]
  for (const event of events) {
    if (event.kind === 'deposit') paidIn += event.amount
    else if (event.kind === 'funding') funding += event.amount
    else if (event.kind === 'fill') {
      fees += event.fee
      slippage += event.slippage
    } else if (event.kind === 'hour') {
      const net = event.equity - paidIn
      columns.net.push(toDollars(net))
      columns.funding.push(toDollars(funding))
      columns.fees.push(toDollars(fees))
      columns.slippage.push(toDollars(slippage))
      // Whole micro-dollars: what is left of the equity is what prices made, exactly.
      columns.price.push(toDollars(net - funding + fees + slippage))
    }
  }
  return columns
}

function tradeRow(trade: Trade): TradeRow {
  const { coin, direction, openedAt, closedAt, size, entryPrice, realised, funding, fees, slippage, net } = trade
  return {
    coin,
    side: direction > 0 ? 'long' : 'short',
    opened: openedAt,
    closed: closedAt,
    size: size * entryPrice,
    price: toDollars(realised + slippage),
    funding: toDollars(funding),
    fees: toDollars(fees),
    slippage: toDollars(slippage),
    net: toDollars(net),
    reason: trade.reason,
    sources: trade.sources,
  }
}

/** Weights as shares: the configured ones at the first hour, and each lesson. */
function weightHistory(events: readonly LedgerEvent[], { fusion }: WheelOptions): WeightHistory {
  const begin = events.find(({ kind }) => kind === 'hour')?.time
  const told = events.flatMap((event) =>
    event.kind === 'weights' ? [{ time: event.time, weights: event.weights }] : [],
  )
  const all = begin === undefined ? told : [{ time: begin, weights: fusion.weights }, ...told]
  const names = Object.keys(fusion.weights)
  const shareOf = (weights: Readonly<Record<string, number>>, name: string) => {
    const sum = names.reduce((total, each) => total + (weights[each] ?? 0), 0)
    return sum > 0 ? (weights[name] ?? 0) / sum : Number.NaN
  }
  return {
    time: all.map(({ time }) => time),
    shares: Object.fromEntries(names.map((name) => [name, all.map(({ weights }) => shareOf(weights, name))])),
  }
}

const inDollars = ({ price, funding, fees, slippage, net }: Split): MoneySplit => ({
  price: toDollars(price),
  funding: toDollars(funding),
  fees: toDollars(fees),
  slippage: toDollars(slippage),
  net: toDollars(net),
})

const figureInDollars = (figure: Figure): Figure => (isKnown(figure) ? toDollars(figure) : figure)
