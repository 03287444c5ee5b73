import { z } from 'zod'
import { SERVED_KINDS } from '#models/regime.ts'

/** The daily retraining. */
export const RetrainingOptions = z.strictObject({
  cron: z.string().min(1).default('30 3 * * *').describe('when to retrain, UTC: minute hour day month weekday'),
  kinds: z
    .array(z.enum(SERVED_KINDS))
    .min(1)
    .default([...SERVED_KINDS])
    .describe('kinds of model to train: cde, hmm'),
  seeds: z
    .array(z.int())
    .min(1)
    .default([1])
    .describe('each kind is trained once with each; the best on validation goes on'),
  atStart: z.boolean().default(true).describe('retrain when a fleet starts that has no champion at all'),
})
export type RetrainingOptions = z.infer<typeof RetrainingOptions>
