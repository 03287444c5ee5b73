import { equityOf } from '../account/account.ts'
import { toDollars } from '../account/money.ts'
import type { Action, Story } from '../decision.ts'
import { type Contribution, type Fusion, fuse, type RegimeProbabilities } from '../fusion/fuse.ts'
import type { IntentEvent, RenewalEvent } from '../ledger/events.ts'
import type { LedgerState } from '../ledger/state.ts'
import type { WheelOptions } from '../options.ts'
import { takerRateOf } from '../paper/fees.ts'
import type { Direction, Scan } from '../scanners/scanner.ts'
import { type TradingRecord, tradingRecord } from '../validation/record.ts'
import type { Listing } from '../venue/venue.ts'
import { type Entry, evaluateEntry } from './entry.ts'
import type { Held } from './rotation.ts'
import { type Room, roomOf, sizeLimit } from './sizing.ts'
import { type ScanBook, type Snapshot, seenBar } from './snapshot.ts'

/** What may be done at an hour. */
export interface Phase {
  readonly mayOpen: boolean
  /** Everything is closed: the end of a backtest. */
  readonly closeAll: boolean
  /** Nobody was there at this hour: the venue went on, and nothing was decided. */
  readonly absent?: boolean
}

/** All that the decisions of one hour share. */
export interface Round {
  readonly state: LedgerState
  readonly snapshot: Snapshot
  readonly book: ScanBook
  readonly asOf: number
  readonly phase: Phase
  readonly options: WheelOptions
  readonly equityDollars: number
  readonly takerRate: number
  readonly record: TradingRecord
  readonly room: Room
  readonly stories: Map<string, Story>
  readonly renewals: RenewalEvent[]
  readonly intents: IntentEvent[]
  readonly held: Held[]
  /** Learned weights of the sources in force at the hour; the configured ones where absent. */
  readonly weights: Readonly<Record<string, number>> | undefined
  /** Entries that were judged beforehand, by coin. */
  readonly judged: Map<string, Entry>
}

/** The round of one full hour, before anything is decided. */
export function beginRound(
  state: LedgerState,
  snapshot: Snapshot,
  book: ScanBook,
  asOf: number,
  phase: Phase,
  options: WheelOptions,
  weights = state.weights,
): Round {
  const equityDollars = toDollars(equityOf(state.account))
  return {
    state,
    snapshot,
    book,
    asOf,
    phase,
    options,
    equityDollars,
    takerRate: takerRateOf(state.history, asOf, options.exchange),
    record: tradingRecord(state.history, asOf, options.validation.record),
    room: roomOf(state.account, equityDollars, options.sizing),
    stories: new Map(),
    renewals: [],
    intents: [],
    held: [],
    weights: options.fusion.learning.enabled ? weights : undefined,
    judged: new Map(),
  }
}

/** Writes the story of a coin; a later one takes the place of an earlier. */
export function tell(
  round: Round,
  listing: Listing,
  story: Partial<Story> & { action: Action; direction: Direction },
): void {
  const { asOf } = round
  const { coin } = listing.contract
  const regime = round.snapshot.estimate(coin, asOf) ?? null
  const common = { conviction: 0, scans: [], contributions: [], reasons: [], bar: seenBar(listing.bars, asOf), regime }
  round.stories.set(coin, { asOf, coin, ...common, ...story })
}

/** What regimes say, or that they are not to be asked. */
export function estimateOf(
  { snapshot, options, asOf }: Round,
  coin: string,
): RegimeProbabilities | 'ignored' | undefined {
  return options.useRegimes ? snapshot.estimate(coin, asOf) : 'ignored'
}

/** What an opening of the coin would be judged by now. */
export function freshEntry(round: Round, listing: Listing): { readonly entry: Entry; readonly scans: readonly Scan[] } {
  const { asOf, snapshot } = round
  const { bars, contract } = listing
  const scans = round.book.scans(bars, asOf, snapshot.market)
  const entry = round.judged.get(contract.coin) ?? judge(round, listing, scans, fuseOpinions(round, listing, scans))
  return { entry, scans }
}

/** The scanners' opinions on a coin as one. */
export function fuseOpinions(round: Round, { contract }: Listing, scans: readonly Scan[]): Fusion {
  return fuse(scans, estimateOf(round, contract.coin), round.options.fusion, round.weights)
}

/** What an opening of the coin would be judged by, given the fused opinion. */
export function judge(round: Round, { bars }: Listing, scans: readonly Scan[], fusion: Fusion): Entry {
  const { asOf, options, equityDollars, room } = round
  return evaluateEntry(
    {
      bars,
      asOf,
      scans,
      fusion,
      record: round.record,
      // The cost is that of the size that risk allows: what caps leave would only make it cheaper.
      dollars: (direction, volatility) =>
        sizeLimit(
          equityDollars,
          volatility,
          direction,
          { ...room, gross: Infinity, long: Infinity, short: Infinity },
          options.sizing,
        ).dollars,
      takerRate: round.takerRate,
    },
    options,
  )
}

/** What an entry adds to its story. */
export function storyOf(entry: Entry): Pick<Story, 'conviction' | 'contributions' | 'remarks'> & Partial<Story> {
  const { fusion, conviction, edge, signFlip, remarks } = entry
  const contributions: readonly Contribution[] = fusion.contributions
  return {
    conviction,
    contributions,
    remarks,
    ...(fusion.direction === 0 ? {} : { horizonHours: fusion.horizonHours }),
    ...(edge === undefined ? {} : { edge }),
    ...(signFlip === undefined ? {} : { signFlip }),
  }
}
