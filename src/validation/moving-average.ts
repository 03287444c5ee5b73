import { type Bars, HOUR } from '#data/bars.ts'
import type { ValidationOptions } from '../options/validation.ts'
import { type Reason, rejected, unavailable } from './reason.ts'

// Rounding in a mean must not decide at the exact edge.
const EDGE = 1e-12
/** With a smaller share of its bars an average speaks of another time. */
const LEAST_SHARE_KNOWN = 0.75

/**
 * Mean of the closes of the last `count` bars of `hours` that are over, bars ending at full multiples of `hours` since
 * 1970 (UTC days for 24). A bar closes at the last hour known in it; one without any is passed over.
 *
 * @param row of the newest hourly bar that may be looked at.
 * @returns the mean, the bars it has, and the hours from the start of the oldest to the end of the newest finished bar.
 */
export function averageClose(
  { close, openTime }: Bars,
  row: number,
  hours: number,
  count: number,
): { readonly mean: number; readonly bars: number; readonly span: number } {
  const length = hours * HOUR
  const end = Math.floor((openTime[row] + HOUR) / length)
  let sum = 0
  let bars = 0
  let current = end
  for (let i = row; i >= 0 && bars < count; i--) {
    const bar = Math.floor(openTime[i] / length)
    if (bar >= current) continue
    current = bar
    sum += close[i]
    bars++
  }
  return { mean: sum / bars, bars, span: (end - current) * hours }
}

/**
 * Longs are rejected where the last close is further than allowed below the average of finished bars, shorts where it
 * is further above.
 */
export function movingAverageGate(
  bars: Bars,
  row: number,
  direction: 1 | -1,
  options: ValidationOptions,
): Reason | undefined {
  const gate = 'moving-average'
  const { movingAverageBars: count, movingAverageDistance: limit, timeframeHours: hours } = options
  const average = averageClose(bars, row, hours, count)
  if (average.bars < count) return unavailable(gate, `${average.bars} of ${count} bars`)
  if (count * hours < LEAST_SHARE_KNOWN * average.span) {
    return unavailable(gate, `the last ${count} bars are spread over ${average.span} h`)
  }
  const distance = bars.close[row] / average.mean - 1
  if (!Number.isFinite(distance)) return unavailable(gate, `a close among the last ${count} is not a number`)
  if (-direction * distance <= limit + EDGE) return undefined
  const where = direction > 0 ? 'below' : 'above'
  const name = hours === 1 ? `${count}-bar average` : `average of ${count} bars of ${hours} h`
  return rejected(gate, `close is ${percent(Math.abs(distance))} ${where} the ${name}, at most ${percent(limit)}`)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
