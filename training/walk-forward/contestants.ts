import type { EncoderName } from '#models/classifier/architecture.ts'

/** Everything that is fitted and tested in each fold, in the order in which it is shown. */
export const CONTESTANTS = ['cde', 'cdeLinear', 'hmm', 'gru', 'logistic', 'rule'] as const
export type Contestant = (typeof CONTESTANTS)[number]

/** The two vector fields of a neural CDE; validation chooses between them. */
export const FIELDS = ['cde', 'cdeLinear'] as const
export type Field = (typeof FIELDS)[number]

/** Encoders of the contestants that are classifiers of control paths. */
export const ENCODER_OF: Partial<Record<Contestant, EncoderName>> = { cde: 'plain', cdeLinear: 'linear', gru: 'gru' }

/** Whether chance has a say in the fit (weights, batches, starts): such contestants are fitted once a seed. */
export function isSeeded(contestant: Contestant): boolean {
  return contestant !== 'logistic' && contestant !== 'rule'
}
