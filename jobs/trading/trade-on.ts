import { type Bars, HOUR } from '#data/bars.ts'
import { toDollars } from '#src/account/money.ts'
import { type Engine, liveThroughHour } from '#src/engine.ts'
import type { LedgerState } from '#src/ledger/state.ts'
import { contractKnownAt } from '#src/paper/lots.ts'
import type { Snapshot } from '#src/wheel/snapshot.ts'
import type { RunContext } from '../pipeline/settings.ts'
import type { Feed, KnownMarket } from './feed.ts'

/** What tells the regimes at one hour. */
export interface Served {
  readonly estimates: ReadonlyMap<string, readonly [number, number, number]>
  readonly model: string
  readonly degraded: readonly string[]
}

/**
 * Lives through one hour after another as the feed gives them, until its data end, so many hours are over, or it is told
 * to stop: between two hours, never within one.
 *
 * @param serve asked once an hour for the regimes.
 */
export async function tradeOn(
  engine: Engine,
  feed: Feed,
  paper: { readonly hours?: number },
  { logger, progress, signal }: RunContext,
  serve: (known: KnownMarket) => Promise<Served>,
): Promise<{ readonly hours: number; readonly model: string; readonly stopped: string }> {
  const { state } = engine.journal
  let hours = 0
  let model = 'none'
  // The hour that a crash cut off is gone through again: what is in the ledger of it is not done twice.
  let after = state.advancedTo === undefined ? undefined : state.advancedTo - HOUR
  while (paper.hours === undefined || hours < paper.hours) {
    if (signal?.aborted) return { hours, model, stopped: 'told to stop' }
    const known = await feed.next(after, signal).catch((error: unknown) => {
      if (signal?.aborted) return 'stopped' as const
      throw error
    })
    if (known === 'stopped') return { hours, model, stopped: 'told to stop' }
    if (known === undefined) return { hours, model, stopped: 'the data end here' }
    const again = known.asOf === state.decidedAt
    const served = await serve(known)
    model = served.model
    const phase = { mayOpen: true, closeAll: false, absent: known.missed }
    const { stories } = await liveThroughHour(engine, known.asOf, snapshotOf(engine, known, served), phase, signal)
    after = known.asOf
    if (again) continue
    hours++
    const { equity, positions } = standing(state)
    const done = stories.filter(({ action }) => action === 'open' || action === 'close' || action === 'renew')
    const words = done.map(({ action, coin, direction }) => `${action} ${direction > 0 ? 'long' : 'short'} ${coin}`)
    const time = new Date(known.asOf).toISOString().slice(0, 16).replace('T', ' ')
    const note = `${time} equity ${equity.toFixed(2)}, ${positions.length} open${words.length > 0 ? `: ${words.join(', ')}` : ''}`
    if (words.length > 0) logger.info({ asOf: known.asOf, equity }, note)
    progress({ stage: 'paper', done: hours, total: totalOf(hours, known, paper), note })
  }
  return { hours, model, stopped: `${paper.hours} hours are over` }
}

/** What the wheel looks at of a market. */
export interface SeenMarket extends Pick<KnownMarket, 'asOf' | 'instruments' | 'flows'> {
  readonly markets: readonly { readonly bars: Bars }[]
}

/** Hours that there will be, as far as that is known: a clock on the wall has no last one. */
function totalOf(hours: number, { remaining = 1 }: KnownMarket, paper: { readonly hours?: number }): number {
  return Math.min(paper.hours ?? Number.POSITIVE_INFINITY, hours + remaining)
}

/** The world as the wheel sees it at the hour of `known`. */
export function snapshotOf(
  { options, journal }: Engine,
  { markets, instruments, flows, asOf }: SeenMarket,
  served: Served,
): Snapshot {
  const known = new Map(instruments.map((instrument) => [instrument.coin, instrument]))
  const first = journal.state.history.hours[0]?.time ?? asOf
  const { estimates, model, degraded } = served
  return {
    listings: new Map(
      markets.map(({ bars }) => [
        bars.coin,
        { contract: contractKnownAt(known.get(bars.coin), bars, first, options.exchange), bars },
      ]),
    ),
    market: { bars: markets.map(({ bars }) => bars), ...(flows && { flows }) },
    estimate: (coin, at) => (at === asOf ? estimates.get(coin) : undefined),
    model,
    degraded,
  }
}

/** Where an account stands; money in dollars. */
export interface Standing {
  /** Hours that the venue has told. */
  readonly totalHours: number
  readonly asOf: string | null
  readonly equity: number
  readonly trades: number
  readonly positions: readonly { readonly coin: string; readonly size: number; readonly mark: number }[]
}

/** Where the account stands. */
export function standing({ account, history, advancedTo }: LedgerState): Standing {
  const positions = [...account.holdings].filter(([, { size }]) => size !== 0)
  return {
    totalHours: history.hours.length,
    asOf: advancedTo === undefined ? null : new Date(advancedTo).toISOString(),
    equity: toDollars(history.hours.at(-1)?.equity ?? account.deposits),
    trades: history.trades.length,
    positions: positions.map(([coin, { size, mark }]) => ({ coin, size, mark })),
  }
}
