import { allocateBars, type Bars, gaps, HOUR } from './bars.ts'
import type { Candles, DataNotice, FundingSeries } from './provider.ts'
import { hourText } from './providers/series.ts'

/** Bars and what is to be said about them. */
export interface JoinedBars {
  readonly bars: Bars
  readonly notices: DataNotice[]
}

/** Gaps that are spelled out in a notice; more are counted. */
const GAPS_SHOWN = 3

function gapNotice(bars: Bars): DataNotice | undefined {
  const found = gaps(bars.openTime)
  if (found.length === 0) return undefined
  const hours = found.reduce((sum, gap) => sum + gap.hours, 0)
  const places = found.slice(0, GAPS_SHOWN).map((gap) => `${hourText(gap.from)} (${gap.hours} h)`)
  const more = found.length > GAPS_SHOWN ? ` and ${found.length - GAPS_SHOWN} more` : ''
  const message = `${hours} hours without a bar in ${found.length} gaps: ${places.join(', ')}${more}`
  return { coin: bars.coin, kind: 'gap', message }
}

/**
 * Puts funding beside the candles: the bar opened at T carries the rate settled at T + 1 h, `NaN` where there is
 * none. Nothing is filled in; absent hours and absent funding are stated in the notices.
 *
 * @param candles ascending and unique.
 * @param funding ascending and unique, of the same coin.
 */
export function joinBars(candles: Candles, funding: FundingSeries): JoinedBars {
  const length = candles.openTime.length
  const { funding: rate, openInterest: unknown } = allocateBars(candles.coin, length)
  let next = 0
  let missing = 0
  let firstMissing = Number.NaN
  for (let i = 0; i < length; i++) {
    const settled = candles.openTime[i] + HOUR
    while (next < funding.time.length && funding.time[next] < settled) next++
    if (funding.time[next] === settled) rate[i] = funding.rate[next]
    else if (missing++ === 0) firstMissing = settled
  }
  const { openInterest = unknown, ...prices } = candles
  const bars: Bars = { ...prices, funding: rate, openInterest }
  const notices: DataNotice[] = []
  const gap = gapNotice(bars)
  if (gap !== undefined) notices.push(gap)
  // The end of the last bar is often not settled when the data were taken: that is no fault worth a remark.
  const onlyTheLast = missing === 1 && Number.isNaN(rate[length - 1])
  if (missing > 0 && !onlyTheLast) {
    const message = `${missing} of ${length} bars have no funding, the first at ${hourText(firstMissing)}`
    notices.push({ coin: bars.coin, kind: 'missing-funding', message })
  }
  return { bars, notices }
}
