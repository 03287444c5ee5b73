/**
 * All that the Gaussian likelihood of a stationary AR(1) asks of an hourly series: its first value, and sums over the
 * steps from one known value to the next, one set of sums for each number of hours that a step takes.
 *
 * Values are centred on their mean and divided by their deviation: funding differs from its mean by 1e-10 to 1e-4, and
 * raw squares would lose that.
 */
export interface Steps {
  /** Known values. */
  readonly count: number
  /** Hours from the first of them to the last. */
  readonly hours: number
  /** What the values were centred on and divided by; a `scale` of 0 says that they did not vary. */
  readonly centre: number
  readonly scale: number
  readonly first: number
  /** Steps from x to y by their hours; the steps of one hour come first, even where there is none. */
  readonly groups: readonly StepGroup[]
}

/** Sums over the steps that take the same number of hours. */
export interface StepGroup {
  readonly hours: number
  count: number
  sumX: number
  sumY: number
  squaresX: number
  products: number
  squaresY: number
}

/**
 * Sums up an hourly series.
 *
 * @param values hourly grid `[hours]`, oldest first, `NaN` where missing.
 */
export function sumSteps(values: Float64Array): Steps {
  let count = 0
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue
    count++
    sum += values[i]
  }
  const centre = sum / count
  const hourly = emptyGroup(1)
  const groups = [hourly]
  let first = Number.NaN
  let start = -1
  let before = Number.NaN
  let at = -1
  let varied = false
  let squares = 0
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue
    const value = values[i] - centre
    squares += value * value
    if (at < 0) {
      first = value
      start = i
    } else {
      varied ||= value !== before
      addStep(i - at === 1 ? hourly : groupOf(groups, i - at), before, value)
    }
    before = value
    at = i
  }
  // Rounding of the mean leaves a residue in `squares` even where every value is the same.
  const scale = varied ? Math.sqrt(squares / count) : 0
  if (scale > 0) for (const group of groups) shrink(group, scale)
  return { count, hours: at - start, centre, scale, first: first / scale, groups }
}

function emptyGroup(hours: number): StepGroup {
  return { hours, count: 0, sumX: 0, sumY: 0, squaresX: 0, products: 0, squaresY: 0 }
}

function groupOf(groups: StepGroup[], hours: number): StepGroup {
  let group = groups.find((candidate) => candidate.hours === hours)
  if (group === undefined) {
    group = emptyGroup(hours)
    groups.push(group)
  }
  return group
}

function addStep(group: StepGroup, x: number, y: number): void {
  group.count++
  group.sumX += x
  group.sumY += y
  group.squaresX += x * x
  group.products += x * y
  group.squaresY += y * y
}

function shrink(group: StepGroup, scale: number): void {
  group.sumX /= scale
  group.sumY /= scale
  group.squaresX /= scale * scale
  group.products /= scale * scale
  group.squaresY /= scale * scale
}

/** The likelihood at one b, with mean and variance at their best for it; in units of the centred, scaled values. */
export interface Profile {
  /** Weighted mean: generalised least squares. */
  mean: number
  /** Weighted squares around it, as innovations of one hour: over `count` the variance that maximises the likelihood. */
  squares: number
  /** ln L up to a constant that is the same at every b; `-Infinity` at b = 1. */
  exact: number
  /** ln of the restricted likelihood up to a constant: finite at b = 1, where it is that of the differences. */
  restricted: number
}

/**
 * Profile likelihoods of X(t+h) - mu = b^h (X(t) - mu) + e, Var e = v (1 - b^2h) / (1 - b^2), the first value drawn
 * from the stationary distribution N(mu, v / (1 - b^2)); v is the variance of an innovation of one hour.
 *
 * A step over missing hours enters with its exact transition: nothing is thrown away and nothing is made up, and where
 * b^h is nearly 0 a step is by itself what a new run would be, a draw from the stationary distribution.
 *
 * Exact: Brockwell and Davis, Time Series: Theory and Methods, 8.7; mean and v concentrated out. Restricted: the
 * likelihood of what is left of the values when the mean is taken out (Harville 1974, Biometrika 61, 383; for the
 * AR(1) Cheang and Reinsel 2000, JASA 95, 1173).
 *
 * @param b in [0, 1].
 * @param into is overwritten, so that a search allocates nothing.
 */
export function profileAt(steps: Steps, b: number, into: Profile): Profile {
  const { count, first, groups } = steps
  const gain = 1 - b * b
  let information = 1
  let weighted = first
  let squares = gain * first * first
  let logarithms = 0
  for (let g = 0; g < groups.length; g++) {
    const group = groups[g]
    const share = group.hours === 1 ? b : b ** group.hours
    information += (group.count * (1 - share)) / (1 + share)
    weighted += (group.sumY - share * group.sumX) / (1 + share)
    const spread = group.squaresY - 2 * share * group.products + share * share * group.squaresX
    if (group.hours === 1) squares += spread
    else {
      const variance = gain > 1e-9 ? (1 - share * share) / gain : group.hours
      squares += spread / variance
      logarithms += group.count * Math.log(variance)
    }
  }
  into.mean = weighted / information
  into.squares = Math.max(0, squares - (gain * weighted * weighted) / information)
  const logSquares = Math.log(into.squares)
  into.exact = -0.5 * (count * logSquares + logarithms - Math.log(gain))
  into.restricted = -0.5 * ((count - 1) * logSquares + logarithms + Math.log(information))
  return into
}
