import { z } from 'zod'

/** The hourly round. */
export const RoundOptions = z.strictObject({
  graceSeconds: z.number().min(0).max(1800).default(20).describe('a round begins so long after its full hour'),
  deadlineMinutes: z
    .number()
    .min(0)
    .max(55)
    .default(10)
    .describe('how long after the full hour late data are waited for; then the round runs with what is there'),
  staleHours: z.int().min(0).max(24).default(2).describe('a coin whose newest bar is older than this has no estimate'),
  missed: z
    .enum(['catch-up', 'skip'])
    .default('catch-up')
    .describe('rounds missed in an outage: run one after the other without new positions, or leave them out'),
  batchCoins: z.int().min(1).max(1000).default(32).describe('coins in one inference job'),
  inferSeconds: z.number().positive().default(60).describe('how long the estimates of a round are waited for'),
  pace: z
    .number()
    .min(0)
    .default(5)
    .describe('seconds that an hour of a local source takes; an exchange has its own clock'),
  rounds: z
    .int()
    .positive()
    .optional()
    .describe('stop after so many rounds; without it at the end of the data, or never'),
})
export type RoundOptions = z.infer<typeof RoundOptions>
