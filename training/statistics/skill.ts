import { InputError } from '#data/errors.ts'
import { REGIMES } from '#models/regime.ts'
import { logLoss } from '../metrics.ts'

/** How much better than always answering the class frequencies. */
export interface LogLossSkill {
  /** `1 - loss / reference`: 1 is perfect, 0 is worth no more than the frequencies, below 0 is worse than them. */
  readonly skill: number
  /** Log-loss of the model in nats. */
  readonly loss: number
  /** Log-loss of the constant frequencies on the same samples. */
  readonly reference: number
}

/**
 * Log-loss skill over the class frequencies of the training fold, which is all that was known of the classes when
 * the model was made (frequencies of the test set would be a look into the future). Measured on the samples that
 * the model answered.
 *
 * For: whether probabilities carry information at all, one model against nothing. Not for comparing models that
 * answered different samples.
 *
 * @param label `[n]` classes 0..2
 * @param probabilities row-major `[n, 3]`; rows with a `NaN` are left out
 * @param frequencies `[3]` of the training fold, sum 1
 * @returns all `NaN` when no row is left
 * @throws {InputError} where `frequencies` is not a distribution
 */
export function logLossSkill(
  label: Uint8Array,
  probabilities: Float32Array,
  frequencies: readonly number[],
): LogLossSkill {
  const total = frequencies.reduce((sum, value) => sum + value, 0)
  if (
    frequencies.length !== REGIMES.length ||
    !frequencies.every((value) => value >= 0) ||
    Math.abs(total - 1) > 1e-6
  ) {
    throw new InputError(`class frequencies must be ${REGIMES.length} shares that sum to 1, got ${frequencies}`, {
      frequencies,
    })
  }
  const constant = new Float32Array(probabilities.length)
  for (let i = 0; i < label.length; i++) {
    const start = i * REGIMES.length
    // The same rows as the model's own loss, so a missing answer is passed on.
    const missing = probabilities[start] + probabilities[start + 1] + probabilities[start + 2]
    for (let k = 0; k < REGIMES.length; k++) constant[start + k] = Number.isNaN(missing) ? Number.NaN : frequencies[k]
  }
  const loss = logLoss(label, probabilities)
  const reference = logLoss(label, constant)
  return { skill: 1 - loss / reference, loss, reference }
}
