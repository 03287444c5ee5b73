import { HOUR } from '#data/bars.ts'
import type { Instrument } from '#data/provider.ts'
import { firstMember } from '#data/source.ts'
import type { FlowBook } from '#data/trades.ts'
import { createWeightBudget, type WeightBudget } from '#data/weight-budget.ts'
import type { RunContext } from '../pipeline/settings.ts'
import type { ResolvedSource } from '../pipeline/source.ts'
import type { FleetRecords } from '../records.ts'
import { type RoundClock, replayClock, wallClock } from '../rounds/clock.ts'
import { localMarkets, type MarketsRequest, type RoundMarkets, remoteMarkets } from '../rounds/markets.ts'
import { followTrades } from '../trading/follow-trades.ts'
import type { UpSettings } from './settings.ts'

/** What rounds read, and the clock that tells when they are due. */
export interface RoundSource {
  readonly markets: RoundMarkets
  readonly clock: RoundClock
  /** True where history is played. */
  readonly replayed: boolean
  readonly budget: WeightBudget
}

/** Name of the records' note on the instruments of an exchange. */
const INSTRUMENTS_NOTE = 'instruments'
/** Hours of a local source that are played unless `--test-from` says where to begin. */
const REPLAY_HOURS = 14 * 24

/** Opens the source of the settings for rounds: a local one is played, an exchange has its own time. */
export async function openRoundSource(
  settings: UpSettings,
  { spec }: ResolvedSource,
  records: FleetRecords,
  context: RunContext & { readonly signal: AbortSignal },
): Promise<RoundSource> {
  const { rounds, paths, coins, pool, from, to, testFrom } = settings
  const { now } = context
  const budget = createWeightBudget({ now })
  const request: MarketsRequest = {
    source: spec,
    state: paths.state,
    ...(coins && { coins }),
    ...(pool && { pool }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  }
  if (spec.source === 'csv' || spec.source === 'simulated') {
    const markets = await localMarkets(request, now)
    const begin = Math.max(markets.range.from, testFrom ?? markets.range.to - REPLAY_HOURS * HOUR)
    const range = { from: begin, to: markets.range.to }
    return { markets, clock: replayClock(now, range, rounds.pace), replayed: true, budget }
  }
  const first = firstMember(spec)
  let book: FlowBook | undefined
  const flows = (known: readonly string[], asOf: number) => {
    // The first round tells which coins there are.
    book ??= followTrades(known, 'apiUrl' in first ? first.apiUrl : undefined, context)
    return book.flows(asOf)
  }
  const instruments = {
    read: () => {
      const kept = records.note(INSTRUMENTS_NOTE)
      return kept === undefined ? undefined : (JSON.parse(kept) as Instrument[])
    },
    write: (told: readonly Instrument[]) => records.putNote(INSTRUMENTS_NOTE, JSON.stringify(told)),
  }
  const markets = remoteMarkets(request, spec.source, {
    now,
    budget,
    instruments,
    ...(settings.paper.trades && { flows }),
  })
  return { markets, clock: wallClock(now, rounds), replayed: false, budget }
}
