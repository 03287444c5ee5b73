import { z } from 'zod'
import { fraction, hours } from './numbers.ts'

const RecordOptions = z.strictObject({
  enabled: z.boolean().default(true).describe('Judge the strategy by its own record before it opens more'),
  windowDays: z.int().positive().default(30).describe('Days of the record that count'),
  minTrades: z.int().positive().default(20).describe('Fewest closed trades in the window that allow a judgement'),
  minSharpe: z.number().default(0.3).describe('Sharpe ratio a year, of hourly returns; at or below this is rejected'),
  maxDrawdown: fraction.default(0.25).describe('Deepest fall of equity in the window; at or above this is rejected'),
  minWinRate: fraction.default(0.4).describe('Share of trades that gained; at or below this is rejected'),
})
export type RecordOptions = z.infer<typeof RecordOptions>

export const ValidationOptions = z.strictObject({
  enabled: z.boolean().default(true).describe('Ask the gates at all; off only to see what they are worth'),
  timeframeHours: z.int().min(1).max(168).default(1).describe('Hours of one bar of the moving average'),
  movingAverageBars: hours.default(200).describe('Bars of the moving average of closes'),
  movingAverageDistance: fraction.default(0.02).describe('Longs further below, shorts further above are rejected'),
  efficiencyHours: hours.default(24).describe('Hours over which |net move| / path is taken'),
  minEfficiency: fraction.default(0.3).describe('Trend efficiency below this is rejected'),
  raiseEfficiency: fraction.default(0.7).describe('Trend efficiency above this raises the conviction'),
  raiseFactor: z.number().min(1).default(1.25).describe('by this factor, to at most 1'),
  record: RecordOptions.prefault({}),
})
export type ValidationOptions = z.infer<typeof ValidationOptions>
