import { type Bars, HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { ProgressListener } from '#data/progress.ts'
import type { Instrument } from '#data/provider.ts'
import { REGIMES } from '#models/regime.ts'
import type { Story } from '#src/decision.ts'
import type { EstimateSeries } from '#src/estimates.ts'
import type { HourEvent, LedgerEvent } from '#src/ledger/events.ts'
import type { LedgerStore } from '#src/ledger/journal.ts'
import { WheelOptions } from '#src/options.ts'
import { runWheel } from '#src/wheel.ts'

export interface BacktestOfPaperInput {
  readonly store: LedgerStore
  /** History as it is known today, of the coins that paper traded. */
  readonly bars: readonly Bars[]
  readonly instruments: readonly Instrument[]
  readonly progress?: ProgressListener
  readonly signal?: AbortSignal
}

/** What a paper ledger was run with: all that a backtest over the same hours needs but the bars. */
export interface ToldByPaper {
  /** Its first and its last hour, the last one included: asOf, half-open. */
  readonly range: TimeRange
  /** Its last settings. */
  readonly options: WheelOptions
  /** The regimes that were told at the time, by coin; they stand in the stories. */
  readonly estimates: ReadonlyMap<string, EstimateSeries>
}

/** @throws {InputError} where the ledger has told no two hours, or has no settings */
export function toldByPaper(store: LedgerStore): ToldByPaper {
  const events = [...store.events()]
  const hours = events.filter((event) => event.kind === 'hour')
  if (hours.length < 2) throw new InputError(`the ledger has told ${hours.length} hours, a backtest needs 2`)
  return {
    range: { from: hours[0].time, to: hours[hours.length - 1].time + HOUR },
    options: settingsOf(events),
    estimates: estimatesTold(store, events),
  }
}

/**
 * A backtest over the very hours of a paper ledger: with its last settings, with the regimes that were told at the time,
 * and with the bars as they are known today. What differs from paper is then what a backtest would have got wrong about
 * it: bars that were corrected or came late, hours that were missed, code and settings that changed.
 *
 * @returns the hours of the backtest
 * @throws {InputError} where the ledger has told no two hours, or has no settings
 */
export async function backtestOfPaper(input: BacktestOfPaperInput): Promise<readonly HourEvent[]> {
  const { store, bars, instruments, progress, signal } = input
  const { history } = await runWheel({
    ...toldByPaper(store),
    bars,
    model: TOLD,
    instruments,
    leaveOpen: true,
    ...(progress && { progress }),
    ...(signal && { signal }),
  })
  return history.hours
}

/** How the regimes of such a backtest came about. */
export const TOLD = 'as told to paper at the time'

function settingsOf(events: readonly LedgerEvent[]): WheelOptions {
  const last = events.findLast((event) => event.kind === 'settings')
  if (last === undefined) throw new InputError('the ledger has no settings: nothing was decided yet')
  return WheelOptions.parse(JSON.parse(last.settings))
}

/** The regimes of every coin and hour that stand in the stories. */
function estimatesTold(store: LedgerStore, events: readonly LedgerEvent[]): Map<string, EstimateSeries> {
  const told = new Map<string, { asOf: number[]; probabilities: number[] }>()
  for (const event of events) {
    if (event.kind !== 'round') continue
    const json = store.stories(event.time)?.json
    for (const { coin, asOf, regime } of JSON.parse(json ?? '[]') as Story[]) {
      if (regime === null) continue
      let series = told.get(coin)
      if (series === undefined) {
        series = { asOf: [], probabilities: [] }
        told.set(coin, series)
      }
      series.asOf.push(asOf)
      for (let k = 0; k < REGIMES.length; k++) series.probabilities.push(regime[k])
    }
  }
  return new Map(
    [...told].map(([coin, { asOf, probabilities }]) => [
      coin,
      { asOf: Float64Array.from(asOf), probabilities: Float32Array.from(probabilities) },
    ]),
  )
}
