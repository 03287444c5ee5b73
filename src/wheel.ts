import { setImmediate } from 'node:timers/promises'
import { type Bars, HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { ProgressListener } from '#data/progress.ts'
import type { Instrument } from '#data/provider.ts'
import { type Engine, liveThroughHour } from './engine.ts'
import { checkEstimates, type EstimateSeries, estimateAt } from './estimates.ts'
import { type LedgerStore, openJournal } from './ledger/journal.ts'
import { createMemoryLedger } from './ledger/memory-ledger.ts'
import type { WheelOptions } from './options.ts'
import { createPaperExchange } from './paper/exchange.ts'
import { contractKnownAt } from './paper/lots.ts'
import { countStories, createTally, type DecisionTally } from './rejections.ts'
import { createScanners } from './scanners/all.ts'
import type { FlowSeries } from './scanners/scanner.ts'
import type { Listing } from './venue/venue.ts'
import type { Phase } from './wheel/round.ts'
import { createScanBook, type Snapshot } from './wheel/snapshot.ts'
import { summarise, type WheelResult } from './wheel-result.ts'

export interface WheelInput {
  /** Whole history of each coin, warm-up before `range.from` included. */
  readonly bars: readonly Bars[]
  /** Regime estimates by coin; a coin without any is never opened. */
  readonly estimates: ReadonlyMap<string, EstimateSeries>
  /** What made the estimates, for the ledger. */
  readonly model?: string
  /** asOf of the decisions, full hours, `[from, to)`. */
  readonly range: TimeRange
  readonly options: WheelOptions
  /** Where lots and margin tiers come from. */
  readonly instruments?: readonly Instrument[]
  readonly flows?: ReadonlyMap<string, FlowSeries>
  /** Where the events go; memory unless given. */
  readonly store?: LedgerStore
  /** Decide at the end of the range as in the middle of it, instead of closing everything: the history goes on. */
  readonly leaveOpen?: boolean
  /** Keep the story of every decision in the store. */
  readonly keepStories?: boolean
  readonly progress?: ProgressListener
  readonly signal?: AbortSignal
}

/** The same wheel with one thing changed; its scanners must be set as those of the wheel it is compared with. */
export interface WheelVariant {
  readonly name: string
  readonly options: WheelOptions
}

const HOURS_BETWEEN_PAUSES = 24
/** Hours of scanner answers that are kept: the lessons look back so far at most. */
const LEAST_MEMORY_HOURS = 2

/**
 * Turns the funding wheel over `range`, hour by hour, on the paper exchange.
 *
 * - Nothing is opened that could not be closed within the range; at its last hour everything is closed, where there is a
 *   price to close at.
 * - Money is counted in whole micro-dollars, and the PnL identity is checked every hour.
 *
 * @throws {InputError} where the range, the coins or the estimates are not usable.
 * @throws {MillraceError} `fail-closed` where the account does not add up.
 */
export async function runWheel(input: WheelInput): Promise<WheelResult> {
  const { results } = await runVariants(input, [])
  return results[0]
}

/**
 * Turns the wheel and its variants side by side: each hour the scanners are asked once for all of them.
 *
 * @returns the results of the wheel itself and of each variant, in their order.
 */
export async function runVariants(
  input: WheelInput,
  variants: readonly WheelVariant[],
): Promise<{ readonly results: readonly WheelResult[] }> {
  const { range, options, leaveOpen, progress, signal } = input
  checkRange(range)
  const snapshot = snapshotOf(input)
  const book = createScanBook(createScanners(options), LEAST_MEMORY_HOURS + options.fusion.learning.horizonHours)
  const turning = [
    { options, store: input.store, keepStories: input.keepStories },
    ...variants.map((variant) => ({ options: variant.options, store: undefined, keepStories: false })),
  ].map(({ options, store = createMemoryLedger(), keepStories = false }) => {
    const engine: Engine = {
      journal: openJournal(store),
      venue: createPaperExchange(options.exchange),
      book,
      options,
      keepStories,
    }
    return { engine, store, tally: createTally() }
  })
  const hours = (range.to - range.from) / HOUR
  for (let i = 0; i < hours; i++) {
    const asOf = range.from + i * HOUR
    for (const { engine, tally } of turning) {
      const { stories } = await liveThroughHour(
        engine,
        asOf,
        snapshot,
        leaveOpen ? ALWAYS : phaseAt(asOf, range),
        signal,
      )
      countStories(tally, stories)
    }
    if (i % HOURS_BETWEEN_PAUSES === 0) {
      progress?.({ stage: 'wheel', done: i, total: hours })
      // Lets a worker renew its lock and an abort arrive.
      await setImmediate()
      signal?.throwIfAborted()
    }
  }
  progress?.({ stage: 'wheel', done: hours, total: hours })
  return { results: turning.map(({ engine, store, tally }) => resultOf(engine, store, tally, snapshot)) }
}

function resultOf({ journal }: Engine, store: LedgerStore, tally: DecisionTally, { listings }: Snapshot): WheelResult {
  return summarise(journal.state, store.events(), tally, [...listings.keys()])
}

const ALWAYS: Phase = { mayOpen: true, closeAll: false }

/** In the last hour but one everything is closed, so that the last hour can tell how; before it nothing new is opened. */
function phaseAt(asOf: number, { to }: TimeRange): Phase {
  return { mayOpen: asOf < to - 2 * HOUR, closeAll: asOf >= to - 2 * HOUR }
}

function checkRange({ from, to }: TimeRange): void {
  if (Number.isInteger(from / HOUR) && Number.isInteger(to / HOUR) && to > from) return
  throw new InputError(`the wheel's range must run from one full hour to a later one, got ${from} to ${to}`, {
    from,
    to,
  })
}

function snapshotOf(input: WheelInput): Snapshot {
  const { bars, estimates, instruments, flows, options, range, model = 'estimates' } = input
  const known = new Map(instruments?.map((instrument) => [instrument.coin, instrument]))
  const listings = new Map<string, Listing>()
  for (const history of bars) {
    const { coin } = history
    if (listings.has(coin)) throw new InputError(`${coin} is given twice`, { coin })
    const series = estimates.get(coin)
    if (series !== undefined) checkEstimates(coin, series)
    const contract = contractKnownAt(known.get(coin), history, range.from, options.exchange)
    listings.set(coin, { contract, bars: history })
  }
  return {
    listings,
    market: { bars, ...(flows === undefined ? {} : { flows }) },
    estimate: (coin, asOf) => estimateAt(estimates.get(coin), asOf, options.maxEstimateAgeHours),
    model: estimates.size === 0 ? 'none' : model,
    degraded: estimates.size === 0 ? ['no estimates: nothing new is opened'] : [],
  }
}
