import { InputError } from '#data/errors.ts'
import { normalCdf } from '#statistics/distributions.ts'
import { expectedValue, type OuProcess } from '../ou.ts'

/** Longest look ahead, hours: two weeks. Funding that has not paid by then is asked whether it turns within them. */
export const SIGN_FLIP_CAP = 336

// Beyond this many deviations (1e-9 of a normal distribution on one side) nothing is counted.
const FAR = 6
// Five-point Gauss-Legendre rule on [-1, 1] (Abramowitz and Stegun 1964, table 25.4), panel by panel.
const NODES = [-0.906179845938664, -0.538469310105683, 0, 0.538469310105683, 0.906179845938664]
const WEIGHTS = [0.236926885056189, 0.478628670499366, 0.568888888888889, 0.478628670499366, 0.236926885056189]
/** Width of a panel in deviations of an hour's innovation. */
const PANEL = 2.5
const ROOT_TWO_PI = Math.sqrt(2 * Math.PI)

/**
 * Probability that funding turns against a side before its expected income has earned back `roundTripCost`.
 *
 * A decision at t fills within the seconds after t and receives the settlements from t + 1 h on; the break-even is the
 * first hour whose expected settlement (the mean of the process given `rate`) brings their sum to the cost. Counted is
 * every hour from t + 1 h to it, at the latest {@link SIGN_FLIP_CAP}: the expected path may never get there. Funding of
 * exactly 0 has not turned.
 *
 * First passage of an AR(1) observed hourly: the density of the income that has not turned yet is carried from hour to
 * hour by the Chapman-Kolmogorov equation on (0, infinity), its integral by Gauss-Legendre panels narrower than the
 * transition (Basak and Ho 2004, Advances in Applied Probability 36, 643, write the same integral equation for the
 * first-passage time of an AR(1)). Error below 1e-5.
 *
 * @param fit the process of hourly funding; its stationary deviation must be above 0.
 * @param rate funding known now, fraction per hour.
 * @param direction side of the position: 1 long, -1 short.
 * @param roundTripCost fraction of notional, 0 or more; `Infinity` asks for the cap.
 * @returns in [0, 1]; 1 where `rate` is against the side already.
 * @throws {InputError} where the rate or the cost is not known: what cannot be told must not look harmless.
 */
export function signFlipProbability(fit: OuProcess, rate: number, direction: 1 | -1, roundTripCost: number): number {
  return signFlipWithin(fit, rate, direction, breakEvenHour(fit, rate, direction, roundTripCost))
}

/** The same within so many hours, at most {@link SIGN_FLIP_CAP}: what the cost decides is the hour alone. */
export function signFlipWithin(fit: OuProcess, rate: number, direction: 1 | -1, hours: number): number {
  // Income of the side: short receives positive funding. In units of the stationary deviation.
  const income = (-direction * rate) / fit.stationaryDeviation
  if (income < 0) return 1
  const mean = (-direction * fit.mu) / fit.stationaryDeviation
  return firstPassage(income, mean, fit.persistence, Math.min(hours, SIGN_FLIP_CAP))
}

/**
 * First hour after the decision by which the expected settlements sum to `roundTripCost`;
 * `Infinity` where they do not within {@link SIGN_FLIP_CAP}.
 *
 * @throws {InputError} where the rate or the cost is not known: what cannot be told must not look harmless.
 */
export function breakEvenHour(fit: OuProcess, rate: number, direction: 1 | -1, roundTripCost: number): number {
  if (Number.isNaN(rate) || !(roundTripCost >= 0)) {
    const message = `the sign flip of funding needs a rate and a cost of 0 or more, got ${rate} and ${roundTripCost}`
    throw new InputError(message, { rate, roundTripCost })
  }
  let earned = 0
  for (let hour = 1; hour <= SIGN_FLIP_CAP; hour++) {
    earned -= direction * expectedValue(fit, rate, hour)
    if (earned >= roundTripCost) return hour
  }
  return Number.POSITIVE_INFINITY
}

/** Probability that one of Y(1), ..., Y(hours) is below 0; Y(t+1) = mean + b (Y(t) - mean) + N(0, 1 - b^2). */
function firstPassage(start: number, mean: number, persistence: number, hours: number): number {
  const step = Math.sqrt(1 - persistence * persistence)
  // While zero is out of reach the density stays the normal one that it is without a boundary.
  let centre = start
  let variance = 0
  let hour = 0
  do {
    if (hour === hours) return 0
    centre = mean + persistence * (centre - mean)
    variance = persistence * persistence * variance + step * step
    hour++
  } while (centre > FAR * Math.sqrt(variance))
  const deviation = Math.sqrt(variance)
  let turned = normalCdf(-centre / deviation)

  // Above the top either no path comes, or none comes back to zero in time: what goes there has not turned.
  const spread = Math.sqrt(1 - persistence ** (2 * hours))
  const top = Math.min(Math.max(centre, mean), FAR * spread) + FAR * spread
  // Where that lies below zero, what has not turned in this hour is less than is counted.
  if (top <= 0) return turned
  const panels = Math.ceil(top / (PANEL * step))
  const values = new Float64Array(panels * NODES.length)
  const kernel = transitions(values, top / panels, mean, persistence, step)
  let mass = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) {
    mass[i] = (kernel.weights[i] * Math.exp(-0.5 * ((values[i] - centre) / deviation) ** 2)) / (deviation * ROOT_TWO_PI)
  }
  let next = new Float64Array(values.length)
  for (; hour < hours && turned < 1 - 1e-7; hour++) {
    turned += carry(kernel, mass, next)
    const spent = mass
    mass = next
    next = spent
  }
  return Math.min(1, turned)
}

/** What an hour does to mass at the nodes. */
interface Transitions {
  /** Of the quadrature at each node. */
  readonly weights: Float64Array
  /** Probability of going below zero from each node. */
  readonly turning: Float64Array
  /** Row by row, `width` for each node: how much of its mass goes to the nodes from `starts` on. */
  readonly shares: Float64Array
  readonly starts: Int32Array
  readonly width: number
}

/** Places the nodes of equal panels into `values` and computes what an hour does to each. */
function transitions(
  values: Float64Array,
  panel: number,
  mean: number,
  persistence: number,
  step: number,
): Transitions {
  const count = values.length
  const weights = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const node = i % NODES.length
    values[i] = panel * (Math.floor(i / NODES.length) + (1 + NODES[node]) / 2)
    weights[i] = (panel * WEIGHTS[node]) / 2
  }
  const reach = Math.ceil((2 * FAR * step) / panel) + 1
  const width = Math.min(count, NODES.length * reach)
  const turning = new Float64Array(count)
  const starts = new Int32Array(count)
  const shares = new Float64Array(count * width)
  for (let i = 0; i < count; i++) {
    const centre = mean + persistence * (values[i] - mean)
    turning[i] = normalCdf(-centre / step)
    const first = NODES.length * Math.floor((centre - FAR * step) / panel)
    starts[i] = Math.max(0, Math.min(count - width, first))
    for (let k = 0; k < width; k++) {
      const distance = (values[starts[i] + k] - centre) / step
      shares[i * width + k] = (weights[starts[i] + k] * Math.exp(-0.5 * distance * distance)) / (step * ROOT_TWO_PI)
    }
  }
  return { weights, turning, shares, starts, width }
}

/** Carries `mass` one hour on, into `next`. @returns what turned in it. */
function carry({ turning, shares, starts, width }: Transitions, mass: Float64Array, next: Float64Array): number {
  next.fill(0)
  let turned = 0
  for (let i = 0; i < mass.length; i++) {
    const here = mass[i]
    turned += here * turning[i]
    const row = i * width
    const start = starts[i]
    for (let k = 0; k < width; k++) next[start + k] += here * shares[row + k]
  }
  return turned
}
