import type { Bars } from '#data/bars.ts'
import type { Fusion } from '../fusion/fuse.ts'
import type { WheelOptions } from '../options.ts'
import { roundTripCost } from '../paper/depth.ts'
import { isSignal, type Scan } from '../scanners/scanner.ts'
import { type Reason, rejected, unavailable } from '../validation/reason.ts'
import type { TradingRecord } from '../validation/record.ts'
import { validate } from '../validation/validate.ts'
import { type Edge, edgeOf } from './edge.ts'
import { fundingTurn } from './funding-turn.ts'
import { dailyVolatility } from './sizing.ts'

/** What an opening is judged by. */
export interface EntryInput {
  /** History of the coin; bars not known at `asOf` are not looked at. */
  readonly bars: Bars
  readonly asOf: number
  /** The scanners' answers at `asOf` (without a held side). */
  readonly scans: readonly Scan[]
  /** What they come to together, scaled by the regime. */
  readonly fusion: Fusion
  /** What the strategy has brought so far. */
  readonly record?: TradingRecord
  /** Dollars that a position would have, for the cost of the turn. */
  readonly dollars: (direction: 1 | -1, dailyVolatility: number) => number
  readonly takerRate: number
}

/** Whether a coin should be opened now: the fused opinion, what it is worth, and everything against it. */
export interface Entry {
  readonly fusion: Fusion
  /** Of the fusion, raised by the validator where the market moves in a straight line. */
  readonly conviction: number
  /** Absent without a direction, or where no scanner can say what it expects. */
  readonly edge?: Edge
  readonly signFlip?: number
  /** Standard deviation of a day's return; `NaN` where unknown. */
  readonly dailyVolatility: number
  /** Why not; none where the entry is accepted. */
  readonly reasons: readonly Reason[]
  readonly remarks: readonly string[]
  /** True where some scanner had an opinion, so that there was something to decide. */
  readonly candidate: boolean
}

/** Judges an opening of one coin at one time; every reason against it is listed, and not the first only. */
export function evaluateEntry(input: EntryInput, options: WheelOptions): Entry {
  const { bars, asOf, scans, fusion, record } = input
  const candidate = scans.some((scan) => isSignal(scan) && scan.direction !== 0)
  const silent = scans.flatMap((scan) => (isSignal(scan) ? [] : [unavailable(scan.source, scan.unavailable)]))
  const nothing = { fusion, conviction: 0, dailyVolatility: Number.NaN, remarks: [], candidate }
  // A silent scanner is a remark where another one speaks; it is the reason only where none does.
  if (!candidate) {
    const reasons = silent.length === scans.length ? silent : [rejected('signal', 'no scanner has a signal')]
    return { ...nothing, reasons }
  }
  const remarks = silent.map(({ gate, message }) => `${gate}: ${message}`)
  if (fusion.unavailable !== undefined) {
    return { ...nothing, remarks, reasons: [unavailable('regime', fusion.unavailable)] }
  }
  if (fusion.direction === 0) {
    return { ...nothing, remarks, reasons: [rejected('conviction', 'the signals cancel each other')] }
  }
  const { direction } = fusion
  const volatility = dailyVolatility(bars, asOf, options.sizing.volatilityHours)
  const against: Reason[] = []
  const verdict = validate({ bars, asOf, direction, record }, options.validation)
  const conviction = Math.min(1, fusion.conviction * verdict.confidence)
  const { minConviction } = options.fusion
  if (conviction < minConviction) {
    against.push(rejected('conviction', `conviction is ${conviction.toFixed(3)}, at least ${minConviction}`))
  }
  let edge: Edge | undefined
  let signFlip: number | undefined
  if (Number.isNaN(volatility)) {
    against.push(unavailable('size', `volatility over ${options.sizing.volatilityHours} h is not known`))
  } else {
    const cost = roundTripCost(input.dollars(direction, volatility), bars, asOf, options.exchange, input.takerRate)
    if (Number.isNaN(cost))
      against.push(unavailable('depth', 'what a turn costs is not known: no volume or volatility'))
    else {
      if (fusion.expected !== undefined) edge = edgeOf(fusion.expected, cost)
      if (options.requireEdge) against.push(...edgeReasons(edge, options.minEdge))
    }
    const flip = Number.isNaN(cost) ? undefined : fundingTurn(bars, asOf, direction, cost, options.ouFunding)
    if (typeof flip === 'number') {
      signFlip = flip
      if (flip > options.hazard.maxSignFlip) {
        const limit = options.hazard.maxSignFlip
        against.push(
          rejected(
            'sign-flip',
            `funding turns before it has paid the costs with ${percent(flip)}, at most ${percent(limit)}`,
          ),
        )
      }
    } else if (flip !== undefined) remarks.push(`sign-flip: unavailable: ${flip.unavailable}`)
  }
  against.push(...verdict.reasons)
  return {
    fusion,
    conviction,
    dailyVolatility: volatility,
    candidate,
    reasons: against,
    remarks: [...remarks, ...verdict.remarks],
    ...(edge === undefined ? {} : { edge }),
    ...(signFlip === undefined ? {} : { signFlip }),
  }
}

function edgeReasons(edge: Edge | undefined, minEdge: number): Reason[] {
  if (edge === undefined) return [unavailable('edge', 'no scanner that agrees says what it expects')]
  if (edge.net > minEdge) return []
  const points = (share: number) => `${(1e4 * share).toFixed(2)} bp`
  const gain = `funding ${points(edge.funding)} + reversion ${points(edge.reversion)}`
  return [rejected('edge', `${gain} does not pay the round trip of ${points(edge.cost)} and ${points(minEdge)}`)]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
