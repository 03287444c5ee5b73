import { REGIMES, type Regime } from '#models/regime.ts'
import { type HourlyOrder, NO_REGIME } from '../metrics.ts'

/** How long one regime lasts. */
export interface Dwell {
  /**
   * Expected hours from entering the regime to leaving it: hours that were followed by an answered hour, over
   * the changes of regime among them. `NaN` when no run was seen to end.
   */
  readonly expectedHours: number
  /** Runs whose both ends were seen. */
  readonly completeRuns: number
  /** Mean length of the complete runs; shorter than `expectedHours`, because long runs are cut more often. */
  readonly meanCompleteHours: number
  /** Runs cut at either end by a gap, an unanswered hour or the end of the data. */
  readonly censoredRuns: number
}

/**
 * Expected dwell time of each regime over consecutive hours of one coin.
 *
 * Runs cut by a gap, an unanswered hour or an end of the data are censored: their true length is unknown. Counting
 * them as they are would make dwell too short. The estimate here is the one of the largest likelihood when the
 * chance to leave is the same every hour: their hours count, an end that was not seen does not (it equals
 * `1 / (1 - P(k, k))` of the counted transitions). Where the chance grows or falls with age it is still the mean
 * hours per exit, but no longer the mean of a run.
 *
 * @param labels `[n]` in sample order; {@link NO_REGIME} where there is none
 */
export function dwellTimes({ order, follows }: HourlyOrder, labels: Uint8Array): Record<Regime, Dwell> {
  const atRisk = new Float64Array(REGIMES.length)
  const exits = new Float64Array(REGIMES.length)
  const completeRuns = new Float64Array(REGIMES.length)
  const completeHours = new Float64Array(REGIMES.length)
  const censoredRuns = new Float64Array(REGIMES.length)
  const at = (i: number) => labels[order[i]]
  let i = 0
  while (i < order.length) {
    const regime = at(i)
    const from = i
    i++
    if (regime === NO_REGIME) continue
    while (i < order.length && follows[i] === 1 && at(i) === regime) i++
    const began = follows[from] === 1 && at(from - 1) !== NO_REGIME
    const ended = i < order.length && follows[i] === 1 && at(i) !== NO_REGIME
    const hours = i - from
    atRisk[regime] += ended ? hours : hours - 1
    if (ended) exits[regime]++
    if (began && ended) {
      completeRuns[regime]++
      completeHours[regime] += hours
    } else censoredRuns[regime]++
  }
  const dwell = (k: number): Dwell => ({
    expectedHours: exits[k] === 0 ? Number.NaN : atRisk[k] / exits[k],
    completeRuns: completeRuns[k],
    meanCompleteHours: completeHours[k] / completeRuns[k],
    censoredRuns: censoredRuns[k],
  })
  return { chop: dwell(0), trend: dwell(1), reversal: dwell(2) }
}
