import { InputError } from '#data/errors.ts'
import type { Random } from '#data/random.ts'
import { REGIMES } from '#models/regime.ts'
import { NO_REGIME } from '../metrics.ts'
import { ascending, type KruskalWallis, kruskalStatistic, kruskalWallis } from './kruskal-wallis.ts'

/** With fewer blocks than this there are too few orders of them to tell chance from more. */
const FEWEST_BLOCKS = 5

/** Input of {@link blockShuffleTest}: one sample a coin and hour. */
export interface BlockShuffleInput {
  readonly coin: readonly string[]
  /** `[n]`, UTC milliseconds. */
  readonly asOf: Float64Array
  /** `[n]` regimes 0..2; `NO_REGIME` where there is none. */
  readonly group: Uint8Array
  /** `[n]` what followed (next 24 h volatility, return); `NaN` where it is not known. */
  readonly value: ArrayLike<number>
  /**
   * Length of a block; a multiple of 24 keeps the hour of the day, 168 the day of the week. On 1,200 simulated hours
   * of eight coins where nothing was to be found, p was at most 0.05 in 6 to 7 % of cases with 168 (12 to 24 % with 24,
   * and 76 to 91 % by the chi-squared law).
   */
  readonly blockHours: number
  /** Default 2000. */
  readonly shuffles?: number
  readonly random: Random
}

/** Kruskal-Wallis with the p that serial dependence leaves of it. */
export interface BlockShuffleTest extends KruskalWallis {
  /** Share of shuffles (the data as they are among them) with an H at least as large; `NaN` where it cannot be had. */
  readonly p: number
  /** Distinct hours. */
  readonly hours: number
  readonly blockHours: number
  readonly shuffles: number
}

/**
 * Do values differ between regimes by more than chance? Kruskal-Wallis H, with p by shuffling blocks of consecutive
 * hours of the **regimes**, all coins of an hour together, while the values stay: neither the persistence of the
 * values, nor that of regimes within a block, nor the dependence between coins can then pass for an effect. Blocks
 * begin at a random hour in each shuffle, so that no boundary is special.
 *
 * For: whether regimes tell anything of what followed. Not for: how much money is in it, nor a cause; and values of
 * unlike coins (volatility) must be put on one scale first, or the test compares coins. Blocks must be longer than
 * the memory of the regimes; where both regimes and values drift over weeks p is too small all the same.
 *
 * @throws {InputError} where lengths differ, an option is out of range, or a coin has two samples at one time
 */
export function blockShuffleTest(input: BlockShuffleInput): BlockShuffleTest {
  const { asOf, group, value, blockHours, shuffles = 2000, random } = input
  checkInput(input, shuffles)
  const test = kruskalWallis(group, value, REGIMES.length)
  const { hours, coins, hourOf, coinOf } = gridOf(input)
  const common = { ...test, hours, blockHours, shuffles }
  if (Number.isNaN(test.statistic) || hours < FEWEST_BLOCKS * blockHours) return { ...common, p: Number.NaN }

  const grid = new Uint8Array(hours * coins).fill(NO_REGIME)
  for (let i = 0; i < asOf.length; i++) {
    const cell = hourOf[i] * coins + coinOf[i]
    if (grid[cell] !== NO_REGIME) throw twice(input, i)
    grid[cell] = group[i]
  }
  const order = ascending(value)
  const source = new Uint32Array(hours)
  const rankSums = new Float64Array(REGIMES.length)
  const counts = new Float64Array(REGIMES.length)
  const shuffled = (i: number) => grid[source[hourOf[i]] * coins + coinOf[i]]
  // Sums of the same ranks in another order may differ in the last digits: a tie must count as one.
  const threshold = test.statistic * (1 - 1e-12)
  let exceed = 0
  for (let s = 0; s < shuffles; s++) {
    shuffleBlocks(source, blockHours, random)
    if (kruskalStatistic(order, value, shuffled, rankSums, counts) >= threshold) exceed++
  }
  return { ...common, p: (1 + exceed) / (1 + shuffles) }
}

/**
 * Writes to `source[h]` the hour whose regimes hour h gets. The circle of hours is cut from a random hour on into
 * whole blocks, which change places; the hours left over stay where they are, so that moved blocks keep a distance
 * of whole blocks (and with it the hour of the day).
 */
function shuffleBlocks(source: Uint32Array, blockHours: number, random: Random): void {
  const hours = source.length
  const blocks = Uint32Array.from({ length: Math.floor(hours / blockHours) }, (_, b) => b)
  const start = random.integer(hours)
  random.shuffle(blocks)
  for (let j = 0; j < hours; j++) {
    const block = Math.floor(j / blockHours)
    const from = block < blocks.length ? blocks[block] * blockHours + (j % blockHours) : j
    source[(start + j) % hours] = (start + from) % hours
  }
}

/** Numbers the distinct hours, in order, and the coins. */
function gridOf({ coin, asOf }: BlockShuffleInput) {
  const times = Float64Array.from(new Set(asOf)).sort()
  const hourIndex = new Map<number, number>()
  for (let h = 0; h < times.length; h++) hourIndex.set(times[h], h)
  const coinIndex = new Map<string, number>()
  for (const name of coin) if (!coinIndex.has(name)) coinIndex.set(name, coinIndex.size)
  return {
    hours: times.length,
    coins: coinIndex.size,
    hourOf: Uint32Array.from(asOf, (time) => hourIndex.get(time)!),
    coinOf: Uint32Array.from(coin, (name) => coinIndex.get(name)!),
  }
}

function checkInput({ coin, asOf, group, value, blockHours }: BlockShuffleInput, shuffles: number): void {
  const n = asOf.length
  if (coin.length !== n || group.length !== n || value.length !== n) {
    throw new InputError(
      `block shuffle: ${coin.length} coins, ${group.length} regimes and ${value.length} values for ${n} times`,
    )
  }
  for (const [name, count] of [
    ['blockHours', blockHours],
    ['shuffles', shuffles],
  ] as const) {
    if (!Number.isInteger(count) || count < 1) {
      throw new InputError(`block shuffle: ${name} is ${count}, must be a whole number of at least 1`, {
        [name]: count,
      })
    }
  }
}

function twice({ coin, asOf }: BlockShuffleInput, i: number): InputError {
  const time = new Date(asOf[i]).toISOString()
  return new InputError(`${coin[i]} has two samples at ${time}; each hour may be tested once`, { coin: coin[i], time })
}
