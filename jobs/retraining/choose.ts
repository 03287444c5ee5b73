import { z } from 'zod'
import { ModelError } from '#data/errors.ts'
import { SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import type { TrainingResult } from '#training/train.ts'
import { flawOf } from '../pipeline/train.ts'
import type { Challenger } from './progress.ts'

const share = z.number().min(0).max(1)

/** What is read of a training's answer; only a worker of another millrace answers in another shape. */
const Answer = z.object({
  kind: z.enum(SERVED_KINDS),
  id: z.string().min(1),
  maxAbsDiff: z.number(),
  validation: z.object({
    macroF1: z.number(),
    accuracy: z.number(),
    occupancy: z.object({ chop: share, trend: share, reversal: share }),
  }),
})

/** @throws {ModelError} for what is no answer to a training of `kind` */
export function readTraining(value: unknown, kind: ServedKind, seed: number): Challenger {
  const checked = Answer.safeParse(value)
  if (!checked.success || checked.data.kind !== kind) {
    const issue = checked.error?.issues[0]
    const words = issue ? `${issue.path.join('.')}: ${issue.message}` : `it is of a ${checked.data?.kind}`
    throw new ModelError(`the worker's answer cannot be read (is it of another version?): ${words}`, { kind, seed })
  }
  const flaw = flawOf(checked.data as TrainingResult)
  return { ...checked.data, seed, ...(flaw !== undefined && { flaw }) }
}

/**
 * The best of the seeds of each kind on the validation fold: of those that use every regime the one with the highest
 * macro-F1, of equals the lowest seed. The test period has no say in it: it is there to judge the one that was chosen.
 */
export function chooseChallengers(trained: readonly Challenger[]): Partial<Record<ServedKind, Challenger>> {
  const best: Partial<Record<ServedKind, Challenger>> = {}
  for (const candidate of trained) {
    const present = best[candidate.kind]
    if (!present || compare(candidate, present) < 0) best[candidate.kind] = candidate
  }
  return best
}

/** Negative where `a` is better. */
function compare(a: Challenger, b: Challenger): number {
  const flawed = Number(a.flaw !== undefined) - Number(b.flaw !== undefined)
  return flawed || b.validation.macroF1 - a.validation.macroF1 || a.seed - b.seed
}
