import type { Bars } from '#data/bars.ts'
import { type Fusion, fuse, type RegimeProbabilities } from './fusion.ts'
import type { WheelOptions } from './options.ts'
import { isSignal, type Scan } from './scanners/scanner.ts'
import { type Reason, rejected, unavailable, validate } from './validation.ts'

/** What a position is expected to bring over its horizon, as fractions of notional. */
export interface Edge {
  readonly funding: number
  readonly reversion: number
  /** Fees and slippage of opening and closing. */
  readonly cost: number
  /** funding + reversion - cost. */
  readonly net: number
}

/** Whether a coin should be opened now: the fused opinion, what it is worth, and everything against it. */
export interface Entry {
  readonly fusion: Fusion
  /** Absent without a direction, or where no scanner can say what it expects. */
  readonly edge?: Edge
  /** Why not; none where the entry is accepted. */
  readonly reasons: readonly Reason[]
  /** True where some scanner had an opinion, so that there was something to decide. */
  readonly candidate: boolean
}

/**
 * Judges an opening of one coin at one time from what its scanners said.
 *
 * @param bars history of the coin; bars not known at `asOf` are not looked at.
 * @param scans the scanners' answers at `asOf` (without a held side).
 * @param estimate regime probabilities at `asOf`; undefined is *no estimates*, and nothing is opened.
 */
export function evaluateEntry(
  bars: Bars,
  asOf: number,
  scans: readonly Scan[],
  estimate: RegimeProbabilities | undefined,
  options: WheelOptions,
): Entry {
  const reasons: Reason[] = []
  const candidate = scans.some((scan) => isSignal(scan) && scan.direction !== 0)
  for (const scan of scans) if (!isSignal(scan)) reasons.push(unavailable(scan.source, scan.unavailable))
  const fusion = fuse(scans, estimate, options.fusion)
  // A silent scanner is a remark where another one speaks; it is the reason only where none does.
  if (!candidate) {
    return {
      fusion,
      candidate,
      reasons: reasons.length > 0 ? reasons : [rejected('signal', 'no scanner has a signal')],
    }
  }
  if (fusion.unavailable !== undefined) {
    return { fusion, candidate, reasons: [unavailable('regime', fusion.unavailable)] }
  }
  if (fusion.direction === 0) {
    return { fusion, candidate, reasons: [rejected('conviction', 'the signals cancel each other')] }
  }
  const against: Reason[] = []
  const { minConviction } = options.fusion
  if (fusion.conviction < minConviction) {
    against.push(rejected('conviction', `conviction is ${fusion.conviction.toFixed(3)}, at least ${minConviction}`))
  }
  const edge = edgeOf(fusion, options)
  if (options.requireEdge) against.push(...edgeReasons(edge, options.minEdge))
  against.push(...validate(bars, asOf, fusion.direction, options.validation).reasons)
  return { fusion, candidate, reasons: against, ...(edge === undefined ? {} : { edge }) }
}

function edgeOf({ expected }: Fusion, { exchange }: WheelOptions): Edge | undefined {
  if (expected === undefined) return undefined
  const { funding, reversion } = expected
  const cost = 2 * (exchange.takerFee + exchange.slippage)
  return { funding, reversion, cost, net: funding + reversion - cost }
}

function edgeReasons(edge: Edge | undefined, minEdge: number): Reason[] {
  if (edge === undefined) return [unavailable('edge', 'no scanner says what it expects')]
  if (edge.net > minEdge) return []
  const points = (share: number) => `${(1e4 * share).toFixed(2)} bp`
  const gain = `funding ${points(edge.funding)} + reversion ${points(edge.reversion)}`
  return [rejected('edge', `${gain} does not pay the round trip of ${points(edge.cost)} and ${points(minEdge)}`)]
}
