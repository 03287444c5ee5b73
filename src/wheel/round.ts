import type { Action, Story } from '../decision.ts'
import type { Contribution, RegimeProbabilities } from '../fusion/fuse.ts'
import type { IntentEvent, RenewalEvent } from '../ledger/events.ts'
import type { LedgerState } from '../ledger/state.ts'
import type { WheelOptions } from '../options.ts'
import type { Direction, Scan } from '../scanners/scanner.ts'
import type { TradingRecord } from '../validation/record.ts'
import type { Listing } from '../venue/venue.ts'
import { type Entry, evaluateEntry } from './entry.ts'
import type { Held } from './rotation.ts'
import { type Room, sizeLimit } from './sizing.ts'
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
  const { asOf, options, snapshot, state, equityDollars, room } = round
  const { bars, contract } = listing
  const scans = round.book.scans(bars, asOf, snapshot.market)
  const entry = evaluateEntry(
    {
      bars,
      asOf,
      scans,
      estimate: estimateOf(round, contract.coin),
      weights: options.fusion.learning.enabled ? state.weights : undefined,
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
  return { entry, scans }
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
