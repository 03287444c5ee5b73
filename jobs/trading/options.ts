import { z } from 'zod'

export const PaperOptions = z.strictObject({
  pace: z
    .number()
    .min(0)
    .default(1)
    .describe('seconds that an hour of a local source takes; an exchange has its own clock'),
  hours: z
    .int()
    .positive()
    .optional()
    .describe('stop after so many hours; without it at the end of the data, or never'),
  graceSeconds: z.number().min(0).max(1800).default(20).describe('wait after the full hour until its bars are there'),
})
export type PaperOptions = z.infer<typeof PaperOptions>
