import type { Random } from '#data/random.ts'
import {
  type CategoricalParameter,
  type FloatParameter,
  fromScale,
  type IntegerParameter,
  type Parameter,
  scaledBounds,
  stepOf,
} from './space.ts'
import { logNormalDensity, logNormalMass, truncatedNormalQuantile } from './truncated-normal.ts'

/**
 * A density over some parameters at once: a mixture with one kernel an observation and one for the prior; a kernel is
 * a product of one distribution a parameter (Bergstra et al. 2011, section 4; Watanabe 2023, arXiv 2304.11127; in the
 * definitions of Optuna 5's `_ParzenEstimator`).
 */
export interface ParzenEstimator {
  /** Draws a point, one number a parameter. */
  sample(random: Random): number[]
  /** log density at a point; for parameters with steps the log probability of the value. */
  logDensity(point: readonly number[]): number
}

/** One parameter in all kernels. */
interface Marginal {
  sample(kernel: number, random: Random): number
  /** Adds the log density of `value` in each kernel to `sums`. */
  add(value: number, sums: Float64Array): void
}

/** Newest observations that count in full; older ones count the less the older they are. */
const FULL_WEIGHTS = 25
const PRIOR_WEIGHT = 1
/** No kernel is narrower than this share of the range. */
const MOST_KERNELS_ACROSS = 100

/** Weights of `count` observations, oldest first: a ramp up to 1, then 1 for the newest. */
export function observationWeights(count: number): Float64Array {
  const ramp = Math.max(0, count - FULL_WEIGHTS)
  const start = 1 / count
  return Float64Array.from({ length: count }, (_, i) =>
    i >= ramp ? 1 : ramp === 1 ? start : start + ((1 - start) * i) / (ramp - 1),
  )
}

/**
 * The density of `observations`.
 *
 * @param observations oldest first, each one number a parameter (the index of the choice for a categorical one)
 */
export function parzenEstimator(
  parameters: readonly Parameter[],
  observations: readonly (readonly number[])[],
): ParzenEstimator {
  const kernels = observations.length + 1
  const weights = new Float64Array(kernels).fill(PRIOR_WEIGHT)
  weights.set(observationWeights(observations.length))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const logWeights = weights.map((weight) => Math.log(weight / total))
  const marginals = parameters.map((parameter, p) => {
    const column = Float64Array.from(observations, (observation) => observation[p])
    return parameter.kind === 'categorical' ? choiceMarginal(parameter, column) : numberMarginal(parameter, column)
  })
  const sums = new Float64Array(kernels)
  return {
    sample(random) {
      const kernel = pick(weights, total, random)
      return marginals.map((marginal) => marginal.sample(kernel, random))
    },
    logDensity(point) {
      sums.set(logWeights)
      for (let p = 0; p < marginals.length; p++) marginals[p].add(point[p], sums)
      let most = Number.NEGATIVE_INFINITY
      for (let k = 0; k < kernels; k++) if (sums[k] > most) most = sums[k]
      if (most === Number.NEGATIVE_INFINITY) return most
      let sum = 0
      for (let k = 0; k < kernels; k++) sum += Math.exp(sums[k] - most)
      return most + Math.log(sum)
    },
  }
}

/** An index with the chances of `weights`, which sum to `total`. */
function pick(weights: Float64Array, total: number, random: Random): number {
  let left = random.uniform() * total
  for (let k = 0; k < weights.length - 1; k++) {
    left -= weights[k]
    if (left < 0) return k
  }
  return weights.length - 1
}

/** Each observation's choice has weight 1 in its kernel, over an even spread of the prior's. */
function choiceMarginal({ choices }: CategoricalParameter, observed: Float64Array): Marginal {
  const kernels = observed.length + 1
  const even = PRIOR_WEIGHT / kernels
  const total = 1 + even * choices.length
  const tables = Array.from({ length: kernels }, (_, k) => {
    const table = new Float64Array(choices.length).fill(k < observed.length ? even / total : 1 / choices.length)
    if (k < observed.length) table[observed[k]] = (1 + even) / total
    return table
  })
  const logTables = tables.map((table) => table.map((share) => Math.log(share)))
  return {
    sample: (kernel, random) => pick(tables[kernel], 1, random),
    add(value, sums) {
      for (let k = 0; k < kernels; k++) sums[k] += logTables[k][value]
    },
  }
}

/** A normal around each observation, cut to the bounds, as wide as the way to the further neighbour. */
function numberMarginal(parameter: FloatParameter | IntegerParameter, observed: Float64Array): Marginal {
  const { low, high } = scaledBounds(parameter)
  const step = stepOf(parameter)
  const kernels = observed.length + 1
  const scale = parameter.log ? Math.log : (x: number) => x
  const centre = new Float64Array(kernels).fill((low + high) / 2)
  for (let k = 0; k < observed.length; k++) centre[k] = scale(observed[k])
  const width = new Float64Array(kernels).fill(high - low)
  width.set(kernelWidths(centre.subarray(0, observed.length), low, high))
  const inside = centre.map((mu, k) => logNormalMass((low - mu) / width[k], (high - mu) / width[k]))
  const atCentre = inside.map((mass, k) => logNormalDensity(0) - Math.log(width[k]) - mass)
  const masses = new Map<number, Float64Array>()
  const massesOf = (value: number) => {
    const left = scale(value - step / 2)
    const right = scale(value + step / 2)
    return centre.map((mu, k) => logNormalMass((left - mu) / width[k], (right - mu) / width[k]) - inside[k])
  }

  return {
    sample(kernel, random) {
      const mu = centre[kernel]
      const sigma = width[kernel]
      // 0 has no quantile within the interval.
      const share = Math.max(random.uniform(), Number.MIN_VALUE)
      return fromScale(parameter, mu + sigma * truncatedNormalQuantile(share, (low - mu) / sigma, (high - mu) / sigma))
    },
    add(value, sums) {
      if (step === 0) {
        const x = scale(value)
        for (let k = 0; k < kernels; k++) {
          const z = (x - centre[k]) / width[k]
          sums[k] += atCentre[k] - 0.5 * z * z
        }
        return
      }
      // Few values, asked for again and again.
      const known = masses.get(value) ?? massesOf(value)
      masses.set(value, known)
      for (let k = 0; k < kernels; k++) sums[k] += known[k]
    },
  }
}

/**
 * The larger distance to the two neighbours; the outermost observations have only one, the bounds do not count. Between
 * 1 / min(100, n + 2) of the range and all of it ("magic clip").
 */
function kernelWidths(centres: Float64Array, low: number, high: number): Float64Array {
  const count = centres.length
  const order = Uint32Array.from(centres.keys()).sort((a, b) => centres[a] - centres[b])
  const least = (high - low) / Math.min(MOST_KERNELS_ACROSS, count + 2)
  const widths = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const here = centres[order[i]]
    const before = i > 0 ? here - centres[order[i - 1]] : count > 1 ? 0 : here - low
    const after = i < count - 1 ? centres[order[i + 1]] - here : count > 1 ? 0 : high - here
    widths[order[i]] = Math.min(high - low, Math.max(least, before, after))
  }
  return widths
}
