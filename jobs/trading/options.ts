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
  trades: z.boolean().default(true).describe('stream the trades of an exchange for the flow scanner'),
  integrityHours: z
    .int()
    .positive()
    .default(24)
    .describe('check the whole ledger every so many hours, and at the start'),
  graceSeconds: z.number().min(0).max(1800).default(20).describe('wait after the full hour until its bars are there'),
})
export type PaperOptions = z.infer<typeof PaperOptions>

export const BacktestOptions = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]{1,60}$/, 'must be letters, digits, ".", "_" or "-"')
    .optional()
    .describe('name of the folder that keeps the ledger; default: the time'),
  regimes: z
    .enum(['walk-forward', 'versions', 'none'])
    .default('walk-forward')
    .describe('who tells regimes: models fitted on what lies before each block, a version of the registry, or nobody'),
  model: z.enum(['cde', 'hmm', 'rule']).default('cde').describe('kind of model that is fitted walk-forward'),
  refitDays: z.int().positive().default(30).describe('days of a block, before each of which the model is fitted anew'),
  warmUpDays: z.int().min(8).default(90).describe('days before the first decision, unless --from says when it is'),
  ofPaper: z
    .boolean()
    .default(false)
    .describe(
      'test the hours that paper trading has lived through, as it was told them: what graduation compares with',
    ),
  layers: z.boolean().default(true).describe('run it without each layer as well, to see what each is worth'),
  trials: z
    .int()
    .positive()
    .default(1)
    .describe('settings that were tried before these, for the deflated Sharpe ratio'),
})
export type BacktestOptions = z.infer<typeof BacktestOptions>
