import { InputError } from '#data/errors.ts'

/** Input of {@link backtestOverfitting}. */
export interface OverfittingInput {
  /** Row-major `[trials, periods]`: what each trial earned (or scored) in each period, the same periods for all. */
  readonly returns: Float64Array
  readonly trials: number
  /** How a trial is judged over some periods; default `sharpe`. `mean` suits scores that are no returns. */
  readonly performance?: 'sharpe' | 'mean'
  /** Even number of blocks that the periods are cut into, 4 to 20; default 16, which gives 12,870 splits. */
  readonly blocks?: number
}

/** How often choosing the best trial was no choice at all. */
export interface BacktestOverfitting {
  /**
   * Probability of backtest overfitting: share of splits in which the trial that was best on one half was no better
   * than the median on the other. 0.5 is what pure luck gives.
   */
  readonly probability: number
  /** Share of splits in which the trial chosen had a performance below 0 on the other half. */
  readonly probabilityOfLoss: number
  /** Slope of the regression of the performance on the other half on that where it was chosen; `NaN` if constant. */
  readonly slope: number
  /** `[splits]`: log-odds of the relative rank of the trial chosen; 0 is the median, above 0 better. */
  readonly logits: Float64Array
  readonly splits: number
  /** Periods used: a remainder that fills no block is left out at the beginning. */
  readonly periods: number
}

/**
 * Probability of backtest overfitting by combinatorially symmetric cross-validation (Bailey, Borwein, López de Prado
 * and Zhu 2017, "The probability of backtest overfitting"): every way to put half of the blocks here and the other
 * half there; the best trial here is ranked there.
 *
 * For: whether *the way of choosing* among the trials finds anything that lasts. Not for: whether the chosen trial is
 * good, and trials must be all that were run, not the survivors of a search that was cut short.
 *
 * @throws {InputError} for fewer than two trials, an odd number of blocks, fewer than two periods a block, or a value
 *   that is not finite
 */
export function backtestOverfitting(input: OverfittingInput): BacktestOverfitting {
  const { trials, performance = 'sharpe', blocks = 16 } = input
  const perBlock = checkInput(input, blocks)
  const sums = blockSums(input, blocks, perBlock)
  const half = (blocks / 2) * perBlock
  const score = (sum: number, squares: number): number => {
    if (performance === 'mean') return sum / half
    const variance = (squares - (sum * sum) / half) / (half - 1)
    // A trial that never varied took no risk and made no choice: worth 0. Rounding leaves it some variance.
    return variance > 1e-12 * (squares / half) ? sum / half / Math.sqrt(variance) : 0
  }
  const chosen: number[] = []
  const elsewhere: number[] = []
  const logits: number[] = []
  const inside = new Float64Array(trials)
  const outside = new Float64Array(trials)
  for (let mask = 0; mask < 2 ** blocks; mask++) {
    if (bitCount(mask) !== blocks / 2) continue
    let best = 0
    for (let t = 0; t < trials; t++) {
      let sum = 0
      let squares = 0
      for (let b = 0; b < blocks; b++) {
        if (((mask >>> b) & 1) === 0) continue
        sum += sums.sum[t * blocks + b]
        squares += sums.squares[t * blocks + b]
      }
      inside[t] = score(sum, squares)
      outside[t] = score(sums.totalSum[t] - sum, sums.totalSquares[t] - squares)
      if (inside[t] > inside[best]) best = t
    }
    const rank = averageRank(outside, outside[best]) / (trials + 1)
    chosen.push(inside[best])
    elsewhere.push(outside[best])
    logits.push(Math.log(rank / (1 - rank)))
  }
  const splits = logits.length
  const share = (values: number[], low: (value: number) => boolean) => values.filter(low).length / splits
  return {
    probability: share(logits, (value) => value <= 0),
    probabilityOfLoss: share(elsewhere, (value) => value < 0),
    slope: slopeOf(chosen, elsewhere),
    logits: Float64Array.from(logits),
    splits,
    periods: perBlock * blocks,
  }
}

/** Sums and sums of squares of each trial over each block, and over all blocks. */
function blockSums({ returns, trials }: OverfittingInput, blocks: number, perBlock: number) {
  const periods = returns.length / trials
  const skipped = periods - blocks * perBlock
  const sum = new Float64Array(trials * blocks)
  const squares = new Float64Array(trials * blocks)
  const totalSum = new Float64Array(trials)
  const totalSquares = new Float64Array(trials)
  for (let t = 0; t < trials; t++) {
    for (let p = skipped; p < periods; p++) {
      const value = returns[t * periods + p]
      const block = t * blocks + Math.floor((p - skipped) / perBlock)
      sum[block] += value
      squares[block] += value * value
      totalSum[t] += value
      totalSquares[t] += value * value
    }
  }
  return { sum, squares, totalSum, totalSquares }
}

/** Rank of `value` among `values`, 1 the smallest; equal values share the mean of their ranks. */
function averageRank(values: Float64Array, value: number): number {
  let below = 0
  let equal = 0
  for (const other of values) {
    if (other < value) below++
    else if (other === value) equal++
  }
  return below + (equal + 1) / 2
}

function bitCount(mask: number): number {
  let count = 0
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++
  return count
}

function slopeOf(x: number[], y: number[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [mx, my] = [mean(x), mean(y)]
  let cross = 0
  let square = 0
  for (let i = 0; i < x.length; i++) {
    cross += (x[i] - mx) * (y[i] - my)
    square += (x[i] - mx) ** 2
  }
  return square > 0 ? cross / square : Number.NaN
}

function checkInput({ returns, trials }: OverfittingInput, blocks: number): number {
  if (!Number.isInteger(trials) || trials < 2 || returns.length % trials !== 0) {
    throw new InputError(`overfitting: ${returns.length} returns for ${trials} trials, at least 2 of one length`, {
      trials,
    })
  }
  if (blocks % 2 !== 0 || blocks < 4 || blocks > 20) {
    throw new InputError(`overfitting: ${blocks} blocks, must be an even number from 4 to 20`, { blocks })
  }
  const perBlock = Math.floor(returns.length / trials / blocks)
  if (perBlock < 2) {
    const periods = returns.length / trials
    throw new InputError(`overfitting: ${periods} periods are too few for ${blocks} blocks of at least 2`, { periods })
  }
  const wrong = returns.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0) {
    const periods = returns.length / trials
    const place = { trial: Math.floor(wrong / periods), period: wrong % periods }
    throw new InputError(`overfitting: trial ${place.trial} has no return in period ${place.period}`, place)
  }
  return perBlock
}
