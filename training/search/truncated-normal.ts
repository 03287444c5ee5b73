/**
 * The normal distribution cut to an interval, in logarithms, so that it stays right far out in the tails.
 *
 * The formulas are those of SciPy's `truncnorm`; the error function is Cody's ("Rational Chebyshev approximations for
 * the error function", Math. Comp. 23, 1969), good to about 1e-16.
 */

const SMALL_TOP = [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694]
const SMALL_BOTTOM = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171]
const MIDDLE_TOP = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
]
const MIDDLE_BOTTOM = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
]
const LARGE_TOP = [
  0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
  0.0006587491615298378,
]
const LARGE_BOTTOM = [
  1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
]
const INVERSE_ROOT_PI = 0.5641895835477563
const LOG_ROOT_TWO_PI = 0.5 * Math.log(2 * Math.PI)
const LOGISTIC_SCALE = Math.sqrt(3) / Math.PI

/** Polynomial with the highest coefficient first (Horner). */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + coefficients[i]
  return sum
}

/** exp(x^2) erfc(x) for x >= 0. */
function scaledErfc(x: number): number {
  if (x <= 0.46875) {
    const square = x * x
    return Math.exp(square) * (1 - (x * polynomial(SMALL_TOP, square)) / polynomial(SMALL_BOTTOM, square))
  }
  if (x <= 4) return polynomial(MIDDLE_TOP, x) / polynomial(MIDDLE_BOTTOM, x)
  const inverse = 1 / (x * x)
  return (INVERSE_ROOT_PI - (inverse * polynomial(LARGE_TOP, inverse)) / polynomial(LARGE_BOTTOM, inverse)) / x
}

/** log of the standard normal distribution function. */
export function logNormalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2
  const half = scaledErfc(z) / 2
  return x <= 0 ? Math.log(half) - z * z : Math.log1p(-half * Math.exp(-z * z))
}

/** log density of the standard normal distribution. */
export function logNormalDensity(x: number): number {
  return -0.5 * x * x - LOG_ROOT_TWO_PI
}

/** log P(from < Z < to) of a standard normal Z. */
export function logNormalMass(from: number, to: number): number {
  // The right tail is where 1 - tiny loses its digits: there the mirrored interval is taken.
  if (to <= 0) return logDifference(logNormalCdf(to), logNormalCdf(from))
  if (from > 0) return logDifference(logNormalCdf(-from), logNormalCdf(-to))
  return Math.log1p(-Math.exp(logNormalCdf(from)) - Math.exp(logNormalCdf(-to)))
}

/** log(exp(a) - exp(b)) for a >= b. */
function logDifference(a: number, b: number): number {
  return a + Math.log1p(-Math.exp(b - a))
}

/** log(exp(a) + exp(b)). */
function logSum(a: number, b: number): number {
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))
}

/**
 * The x of a standard normal Z with P(from < Z < x | from < Z < to) = share.
 *
 * @param share in (0, 1)
 */
export function truncatedNormalQuantile(share: number, from: number, to: number): number {
  const mass = logNormalMass(from, to)
  const x =
    from < 0
      ? inverseLogNormalCdf(logSum(logNormalCdf(from), Math.log(share) + mass))
      : -inverseLogNormalCdf(logSum(logNormalCdf(-to), Math.log1p(-share) + mass))
  return Math.min(to, Math.max(from, x))
}

const MOST_STEPS = 100
const TOLERANCE = 1e-10

/** The x with log Phi(x) = y, y < 0, by Newton's method in logarithms. */
function inverseLogNormalCdf(y: number): number {
  // Near 0 the other tail has the digits.
  const flipped = y > -1e-2
  const target = flipped ? Math.log(-Math.expm1(y)) : y
  let x = target < -5 ? -Math.sqrt(-2 * (target + LOG_ROOT_TWO_PI)) : -LOGISTIC_SCALE * Math.log(Math.expm1(-target))
  for (let i = 0; i < MOST_STEPS; i++) {
    const value = logNormalCdf(x)
    const step = (value - target) * Math.exp(value - logNormalDensity(x))
    x -= step
    if (Math.abs(step) <= TOLERANCE * Math.abs(x)) break
  }
  return flipped ? -x : x
}
