import { type Bars, HOUR } from './bars.ts'

/** The feature channels, in the order in which every table, window and graph carries them (design section 4). */
export const FEATURES = [
  'return',
  'return12',
  'volatility',
  'funding',
  'volumeTrend',
  'range',
  'openInterest',
  'return24',
  'return48',
  'return96',
  'return168',
  'hourSine',
  'hourCosine',
  'weekend',
] as const
export type Feature = (typeof FEATURES)[number]

/** The feature whose running sum, not its level, is on a control path (design section 4). */
export const SUMMED_FEATURE: Feature = 'return'

/**
 * Features that say where the market stands rather than how it got there: returns over longer than a window, and the
 * calendar. They do not drive a control path, which would only have more to overfit; a model reads them at its last knot.
 */
export const CONTEXT_FEATURES: readonly Feature[] = [
  'return24',
  'return48',
  'return96',
  'return168',
  'hourSine',
  'hourCosine',
  'weekend',
]

/** Features that change their sign when the market is turned upside down. */
export const ODD_FEATURES: readonly Feature[] = ['return', 'return12', 'return24', 'return48', 'return96', 'return168']

/** Features of one coin, one row per bar; `NaN` where missing. */
export interface FeatureTable {
  readonly coin: string
  readonly channels: readonly Feature[]
  /** When the row is known: bar opening + 1 h, UTC milliseconds. */
  readonly asOf: Float64Array
  /** Row-major `[rows, channels]`, unscaled. */
  readonly values: Float32Array
  /** Root mean square of the last 168 hourly log returns known at `asOf`; `NaN` while unknown. */
  readonly sigma: Float64Array
}

/** Hours of history that a row needs before all of its features can be known. */
export const WARM_UP_HOURS = 168

const DAY = 24
const WEEK = 168
/** Half a day: the horizon of the 12 h return and of the centred label. */
const HALF_DAY = 12
/** Horizons of the longer returns. */
const LONGER_RETURNS = [24, 48, 96, 168]
/** Hourly funding rate at which the funding feature bends from linear to logarithmic. */
const FUNDING_SCALE = 5e-5
/** A rolling mean over hours with gaps is known when at least this share of its hours is. */
const COVERAGE = 0.75

/** Sums of the known values, so that any window's mean costs two look-ups. */
interface RunningSums {
  readonly sum: Float64Array
  readonly known: Uint32Array
  /** Index of the first known value: no window reaches back beyond it. */
  readonly first: number
}

function runningSums(values: Float64Array): RunningSums {
  const sum = new Float64Array(values.length + 1)
  const known = new Uint32Array(values.length + 1)
  for (let i = 0; i < values.length; i++) {
    const present = !Number.isNaN(values[i])
    sum[i + 1] = sum[i] + (present ? values[i] : 0)
    known[i + 1] = known[i] + (present ? 1 : 0)
  }
  const first = known.indexOf(1) - 1
  return { sum, known, first: first < 0 ? values.length : first }
}

/** Mean of the `hours` values ending with index `last`; `NaN` before there are so many hours or where too few are known. */
function rollingMean({ sum, known, first }: RunningSums, last: number, hours: number): number {
  const start = last + 1 - hours
  if (start < first) return Number.NaN
  const count = known[last + 1] - known[start]
  return count < hours * COVERAGE ? Number.NaN : (sum[last + 1] - sum[start]) / count
}

/** Logarithm that answers `NaN` (missing) instead of an infinity. */
function logOrMissing(value: number): number {
  return value > 0 && value < Number.POSITIVE_INFINITY ? Math.log(value) : Number.NaN
}

/** Share of the half day that begins at `asOf` which lies on a Saturday or Sunday (UTC): the calendar is known in advance. */
function weekendShare(asOf: number): number {
  let hours = 0
  for (let hour = 0; hour < HALF_DAY; hour++) {
    const weekday = new Date(asOf + hour * HOUR).getUTCDay()
    if (weekday === 0 || weekday === 6) hours++
  }
  return hours / HALF_DAY
}

/** The columns laid on a grid without holes: index = hours since the first bar, `NaN` where a bar is absent. */
function onHourlyGrid(bars: Bars) {
  const first = bars.openTime[0]
  const hours = bars.openTime.length === 0 ? 0 : (bars.openTime[bars.openTime.length - 1] - first) / HOUR + 1
  const column = () => new Float64Array(hours).fill(Number.NaN)
  const [close, volume, spread, openInterest] = [column(), column(), column(), column()]
  for (let row = 0; row < bars.openTime.length; row++) {
    const i = (bars.openTime[row] - first) / HOUR
    close[i] = bars.close[row]
    volume[i] = bars.volume[row]
    spread[i] = (bars.high[row] - bars.low[row]) / bars.close[row]
    openInterest[i] = bars.openInterest[row]
  }
  // The return of an hour is known only where the hour before it is present.
  const logReturn = column()
  const squaredReturn = column()
  for (let i = 1; i < hours; i++) {
    logReturn[i] = Math.log(close[i] / close[i - 1])
    squaredReturn[i] = logReturn[i] * logReturn[i]
  }
  return { first, close, volume, spread, openInterest, logReturn, squaredReturn }
}

/**
 * Computes the features of design section 4, longer returns and the calendar for every bar. Each row uses bars opened at or before its own,
 * nothing later. Features that cannot be known (warm-up, gaps, no open interest) are `NaN`.
 */
export function computeFeatures(bars: Bars): FeatureTable {
  const rows = bars.openTime.length
  const channels = FEATURES.length
  const values = new Float32Array(rows * channels)
  const sigma = new Float64Array(rows)
  const asOf = new Float64Array(rows)
  const grid = onHourlyGrid(bars)
  const squares = runningSums(grid.squaredReturn)
  const volumes = runningSums(grid.volume)
  const spreads = runningSums(grid.spread)

  for (let row = 0; row < rows; row++) {
    const i = (bars.openTime[row] - grid.first) / HOUR
    const weekly = Math.sqrt(rollingMean(squares, i, WEEK))
    // A market that has not moved for a week has no scale: everything measured in it is unknown.
    const scale = weekly > 0 ? weekly : Number.NaN
    const daily = Math.sqrt(rollingMean(squares, i, DAY))
    const halfDayBefore = i >= HALF_DAY ? grid.close[i - HALF_DAY] : Number.NaN
    const dayBefore = i >= DAY ? grid.openInterest[i - DAY] : Number.NaN

    asOf[row] = bars.openTime[row] + HOUR
    sigma[row] = scale
    let k = row * channels
    values[k++] = grid.logReturn[i] / scale
    values[k++] = Math.log(grid.close[i] / halfDayBefore) / (scale * Math.sqrt(HALF_DAY))
    values[k++] = logOrMissing(daily / scale)
    values[k++] = Math.asinh(bars.funding[row] / FUNDING_SCALE)
    values[k++] = logOrMissing(rollingMean(volumes, i, DAY) / rollingMean(volumes, i, WEEK))
    values[k++] = logOrMissing(grid.spread[i] / rollingMean(spreads, i, WEEK))
    values[k++] = logOrMissing(grid.openInterest[i] / dayBefore)
    for (const hours of LONGER_RETURNS) {
      const before = i >= hours ? grid.close[i - hours] : Number.NaN
      values[k++] = Math.log(grid.close[i] / before) / (scale * Math.sqrt(hours))
    }
    const turn = (2 * Math.PI * ((asOf[row] / HOUR) % 24)) / 24
    values[k++] = Math.sin(turn)
    values[k++] = Math.cos(turn)
    values[k] = weekendShare(asOf[row])
  }
  return { coin: bars.coin, channels: FEATURES, asOf, values, sigma }
}
