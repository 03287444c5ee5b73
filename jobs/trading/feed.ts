import { setTimeout as sleep } from 'node:timers/promises'
import { barsKnownAt, ceilToHour, floorToHour, HOUR } from '#data/bars.ts'
import { InputError, MillraceError } from '#data/errors.ts'
import type { Instrument } from '#data/provider.ts'
import type { FlowSeries } from '#data/trades.ts'
import type { Market } from '#training/dataset.ts'
import type { PreparedMarkets } from '#training/prepare.ts'

/** The market as it is known at one full hour: no row of a later bar is there. */
export interface KnownMarket {
  readonly asOf: number
  readonly markets: readonly Market[]
  readonly instruments: readonly Instrument[]
  /** Signed volume from streamed trades, by coin. */
  readonly flows?: ReadonlyMap<string, FlowSeries>
  /** The hour is over long since: the process was not there to decide. */
  readonly missed: boolean
  /** Hours that are still to come, where that is known. */
  readonly remaining?: number
}

/** Gives one hour after another, each when its time has come. Every driver waits on a clock of its own. */
export interface Feed {
  readonly origin: string
  /**
   * @param after the last hour that was lived through; undefined at the very beginning.
   * @returns undefined at the end of the data.
   */
  next(after: number | undefined, signal?: AbortSignal): Promise<KnownMarket | undefined>
}

/**
 * Plays history as if it happened now: an hour takes `pace` seconds, and what lies after the hour is withheld.
 *
 * @param from first hour of a ledger that has none yet.
 */
export function replayFeed(prepared: PreparedMarkets, from: number, pace: number): Feed {
  const { markets, instruments, origin, range } = prepared
  const start = Math.max(ceilToHour(range.from), ceilToHour(from))
  if (start >= range.to) {
    const words = (time: number) => new Date(time).toISOString()
    throw new InputError(`nothing to play from ${words(from)}: the data end at ${words(range.to)}`, { from })
  }
  return {
    origin,
    async next(after, signal) {
      const asOf = after === undefined ? start : after + HOUR
      if (asOf >= range.to) return undefined
      if (after !== undefined && pace > 0) await sleep(1000 * pace, undefined, { signal })
      return {
        asOf,
        markets: markets.map((market) => knownAt(market, asOf)),
        instruments,
        missed: false,
        remaining: (range.to - asOf) / HOUR - 1,
      }
    },
  }
}

function knownAt(market: Market, asOf: number): Market {
  // Features of a row look back only, so those of later rows may stay in the table: they are never asked for.
  return { ...market, bars: barsKnownAt(market.bars, asOf) }
}

export interface LiveFeedOptions {
  readonly origin: string
  readonly now: () => number
  /** Milliseconds after the full hour until its bars are expected to be there. */
  readonly grace: number
  /** Loads what is known at an hour. */
  readonly load: (asOf: number, signal?: AbortSignal) => Promise<Pick<KnownMarket, 'markets' | 'instruments' | 'flows'>>
  /** Told when the source does not serve; it is asked again after `pause` milliseconds, one minute unless given. */
  readonly onProblem?: (problem: MillraceError) => void
  readonly pause?: number
}

/** Hours that are late by more than this are lived through without a decision. */
const LATEST = HOUR / 2

/**
 * Follows the wall clock: an hour comes when it is over and its bars have had time to arrive. While the source does not
 * serve, the hour waits; what comes too late is lived through without a decision.
 */
export function liveFeed(options: LiveFeedOptions): Feed {
  const { origin, now, grace } = options
  return {
    origin,
    async next(after, signal) {
      const asOf = after === undefined ? floorToHour(now() - grace) : after + HOUR
      const wait = asOf + grace - now()
      if (wait > 0) await sleep(wait, undefined, { signal })
      const missed = now() - asOf > LATEST + grace
      const { markets, instruments, flows } = await loadPatiently(options, asOf, signal)
      return { asOf, markets, instruments, missed, ...(flows && { flows }) }
    },
  }
}

async function loadPatiently({ load, onProblem, pause = 60_000 }: LiveFeedOptions, asOf: number, signal?: AbortSignal) {
  for (;;) {
    try {
      return await load(asOf, signal)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.action !== 'retry') throw error
      onProblem?.(error)
      await sleep(pause, undefined, { signal })
    }
  }
}
