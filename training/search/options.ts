import { z } from 'zod'

/** How settings are searched for. */
export const SearchOptions = z.strictObject({
  space: z
    .enum(['model', 'wheel'])
    .default('model')
    .describe('what to search: the regime model, by validation loss, or the wheel, by its Sharpe ratio on validation'),
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be letters, digits, ".", "_" and "-", at most 64')
    .optional()
    .describe('name of the search, to go on with it later; default: the time it began'),
  trials: z
    .int()
    .min(1)
    .max(10_000)
    .default(20)
    .describe('trials in all, those of earlier runs of the search included'),
  parallel: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('trials at a time; default: one for each worker that trains. 1 makes a search repeatable'),
})
export type SearchOptions = z.infer<typeof SearchOptions>
