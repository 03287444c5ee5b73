import type { EncoderName } from '#models/classifier/architecture.ts'
import type { EvaluationOptions } from './options.ts'

/** Everything that is fitted and tested in each fold, in the order in which it is shown. */
export const CONTESTANTS = ['cde', 'cdeLinear', 'hmm', 'gru', 'logistic', 'rule'] as const
export type Contestant = (typeof CONTESTANTS)[number]

/** The two vector fields of a neural CDE; validation chooses between them. */
export const FIELDS = ['cde', 'cdeLinear'] as const
export type Field = (typeof FIELDS)[number]

/** Encoders of the contestants that are classifiers of control paths. */
export const ENCODER_OF: Partial<Record<Contestant, EncoderName>> = { cde: 'plain', cdeLinear: 'linear', gru: 'gru' }

/** The seeds that a contestant is fitted with: one alone where chance has no say in the fit. */
export function seedsOf(
  contestant: Contestant,
  first: number,
  { seeds, yardstickSeeds }: Pick<EvaluationOptions, 'seeds' | 'yardstickSeeds'>,
): number[] {
  const fixed = contestant === 'logistic' || contestant === 'rule'
  const count = fixed ? 1 : contestant === 'gru' ? Math.min(seeds, yardstickSeeds) : seeds
  return Array.from({ length: count }, (_, i) => first + i)
}
