import { FIELDS, type Field } from './contestants.ts'
import type { FitScore } from './score-fit.ts'

/** Which vector field would have been taken before a test block was seen. */
export interface FieldChoice {
  readonly fold: number
  readonly chosen: Field
  /** Log-loss after calibration, in nats, mean over seeds and over the validation parts up to this fold's. */
  readonly validationLogLoss: Readonly<Record<Field, number>>
}

/**
 * Chooses between the vector fields of the neural CDE for each fold, on validation alone: the smaller mean log-loss
 * over all seeds and over the validation parts of this fold and those before it, all of which lie before its test
 * block. A field with a failed fit is not chosen while the other has none.
 *
 * @param scores by field and fold, one a seed
 */
export function chooseFields(scores: Readonly<Record<Field, readonly (readonly FitScore[])[]>>): FieldChoice[] {
  return scores[FIELDS[0]].map((_, k) => {
    const losses = FIELDS.map((field) => {
      const seen = scores[field].slice(0, k + 1).flatMap((fold) => fold.map((score) => score.validationLogLoss))
      return seen.reduce((sum, value) => sum + value, 0) / seen.length
    })
    const rank = (loss: number) => (Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss)
    const best = FIELDS.reduce((lowest, _, i) => (rank(losses[i]) < rank(losses[lowest]) ? i : lowest), 0)
    return {
      fold: k + 1,
      chosen: FIELDS[best],
      validationLogLoss: Object.fromEntries(FIELDS.map((field, i) => [field, losses[i]])) as Record<Field, number>,
    }
  })
}
