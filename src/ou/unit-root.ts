import { normalCdf } from '#statistics/distributions.ts'
import type { StepGroup } from './likelihood.ts'

// MacKinnon 1994 (Journal of Business & Economic Statistics 12, 167), tables 3 and 4, one variable with a constant.
const LEFT = [2.1659, 1.4412, 0.038269]
const RIGHT = [1.7339, 0.93202, -0.12745, -0.010368]
const TURN = -1.61
const LEAST = -18.83
const MOST = 2.74

/** The regression of X(t+1) on X(t) and a constant over pairs of consecutive hours. */
export interface PairRegression {
  /** Its coefficient, the least-squares b. */
  readonly persistence: number
  /** Dickey and Fuller's t = (b - 1) / its standard error; `NaN` where the regression leaves nothing unexplained. */
  readonly t: number
}

/**
 * Regression behind the Dickey-Fuller test (1979, JASA 74, 427) with a constant and no lagged differences, its variance
 * over pairs - 2. A missing hour takes the two pairs with it that it belongs to.
 */
export function regressPairs({ count, sumX, sumY, squaresX, products, squaresY }: StepGroup): PairRegression {
  const varianceX = squaresX - (sumX * sumX) / count
  const covariance = products - (sumX * sumY) / count
  const varianceY = squaresY - (sumY * sumY) / count
  const persistence = covariance / varianceX
  const residual = (varianceY - persistence * covariance) / (count - 2)
  return { persistence, t: residual > 0 ? (persistence - 1) / Math.sqrt(residual / varianceX) : Number.NaN }
}

/**
 * Probability of a Dickey-Fuller t this low or lower where there is a unit root, that is: no mean reversion.
 * MacKinnon's response surface, for long series; what statsmodels' `adfuller` gives.
 */
export function unitRootPValue(t: number): number {
  if (t > MOST) return 1
  if (t < LEAST) return 0
  return normalCdf((t <= TURN ? LEFT : RIGHT).reduceRight((sum, coefficient) => sum * t + coefficient, 0))
}
