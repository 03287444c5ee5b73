import { HOUR } from '#data/bars.ts'
import { INK, label } from './theme.ts'

const DAY = 24 * HOUR
const STEPS = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 364 * DAY]
/** Weeks begin on Monday; the epoch was a Thursday. */
const MONDAY = 4 * DAY

/**
 * Moments to mark between two times: full hours, days or Mondays, at most `limit` of them.
 *
 * ECharts' own time ticks restart at every month and run into each other there.
 */
export function timeTicks(from: number, to: number, limit: number): number[] {
  const step = STEPS.find((candidate) => (to - from) / candidate <= limit) ?? (STEPS.at(-1) as number)
  const ticks: number[] = []
  const offset = step >= 7 * DAY ? MONDAY : 0
  for (let time = Math.ceil((from - offset) / step) * step + offset; time <= to; time += step) ticks.push(time)
  return ticks
}

/** `7 Apr`, `13:00` between days, `Apr 2025` where the axis spans most of a year. */
export function timeLabel(time: number, span: number): string {
  const date = new Date(time)
  const month = date.toLocaleString('en-GB', { month: 'short', timeZone: 'UTC' })
  if (span > 300 * DAY) return `${month} ${date.getUTCFullYear()}`
  return time % DAY === 0 ? `${date.getUTCDate()} ${month}` : date.toISOString().slice(11, 16)
}

/** A time axis in UTC over `[from, to]` with at most `limit` labels; `bare` shows nothing at all. */
export function timeAxis(from: number, to: number, limit: number, bare = false, extra: Record<string, unknown> = {}) {
  const ticks = timeTicks(from, to, limit)
  return {
    type: 'time' as const,
    min: from,
    max: to,
    axisLabel: {
      show: !bare,
      ...label(12),
      customValues: ticks,
      formatter: (time: number) => timeLabel(time, to - from),
    },
    axisLine: { show: !bare, onZero: false, lineStyle: { color: INK.line } },
    axisTick: { show: !bare, customValues: ticks, lineStyle: { color: INK.line } },
    splitLine: { show: false },
    ...extra,
  }
}
