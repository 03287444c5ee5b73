import { type Bars, HOUR } from '#data/bars.ts'

/**
 * How the price is taken to have moved within an hour: four points, linear in between. Parallel arrays `[4]`; times in
 * UTC milliseconds, the first is the bar's opening time.
 */
export interface HourPath {
  readonly time: readonly number[]
  readonly price: readonly number[]
}

/** Legs of a path: between its first and second point, and so on. */
export const LEGS = 3
const LEG = HOUR / LEGS

/** Times of the points of an hour that begins at `from`. */
export function pathTimes(from: number): number[] {
  return [from, from + LEG, from + 2 * LEG, from + HOUR]
}

/**
 * The path that a bar is taken to have gone: open, low, high, close where it rose or stood, open, high, low, close where
 * it fell. The extreme against the bar's direction comes first, so that whoever was on the right side of the hour has
 * gone through its worst before: limits and liquidations are not spared by what came after.
 */
export function hourPath({ openTime, open, high, low, close }: Bars, row: number): HourPath {
  const rose = close[row] >= open[row]
  return {
    time: pathTimes(openTime[row]),
    price: [open[row], rose ? low[row] : high[row], rose ? high[row] : low[row], close[row]],
  }
}

/** Price at a time within the hour. */
export function priceOn({ time, price }: HourPath, at: number): number {
  const leg = Math.max(0, Math.min(LEGS - 1, Math.floor((at - time[0]) / LEG)))
  const share = Math.max(0, Math.min(1, (at - time[leg]) / LEG))
  return price[leg] + share * (price[leg + 1] - price[leg])
}

/**
 * When the price of one leg is strictly beyond a limit: below a buy's, above a sale's. A limit that is only touched was
 * not traded through.
 *
 * @param after only from here on, UTC milliseconds.
 * @returns beginning and end, UTC milliseconds; undefined where it never is.
 */
export function beyondLimit(
  { time, price }: HourPath,
  leg: number,
  limit: number,
  side: 'buy' | 'sell',
  after: number,
): { readonly from: number; readonly to: number } | undefined {
  const sign = side === 'buy' ? 1 : -1
  // Positive: beyond by so much.
  const first = sign * (limit - price[leg])
  const last = sign * (limit - price[leg + 1])
  if (first <= 0 && last <= 0) return undefined
  const crossing = time[leg] + (LEG * first) / (first - last)
  const from = Math.max(after, time[leg], first <= 0 ? crossing : time[leg])
  const to = last <= 0 ? crossing : time[leg + 1]
  return to > from ? { from, to } : undefined
}
