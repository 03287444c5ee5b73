import { z } from 'zod'
import { fraction } from './numbers.ts'

export const GraduationOptions = z.strictObject({
  minDays: z.int().positive().default(20).describe('Fewest paper trading days'),
  minSharpe: z.number().default(0.3).describe('Sharpe ratio a year must be above this'),
  maxDrawdown: fraction.default(0.25).describe('Drawdown must be below this'),
  minWinRate: fraction.default(0.4).describe('Share of winning trades must be above this'),
  maxBacktestDistance: fraction
    .default(0.02)
    .describe('Greatest difference of equity between paper and a backtest over the same days, fraction of capital'),
  trailingDays: z.int().positive().default(20).describe('Days over which the Sharpe ratio is watched for demotion'),
  demotionSharpe: z.number().default(0).describe('Sharpe ratio a year over the trailing days that demotes'),
})
export type GraduationOptions = z.infer<typeof GraduationOptions>
