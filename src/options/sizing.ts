import { z } from 'zod'
import { dollars, fraction, hours } from './numbers.ts'

export const SizingOptions = z.strictObject({
  riskShare: fraction
    .default(0.0025)
    .describe('Share of equity that a position of one standard deviation a day may move'),
  volatilityHours: hours.default(168).describe('Hours of the volatility that sizes a position'),
  maxPositions: z.int().positive().default(8).describe('Most positions open at once'),
  maxCoinShare: z.number().positive().default(0.25).describe('Most notional of one coin, in multiples of equity'),
  maxSideLeverage: z.number().positive().default(0.75).describe('Most notional of longs, and of shorts, in equity'),
  maxGrossLeverage: z.number().positive().default(1).describe('Most gross notional, in multiples of equity'),
  minPositionDollars: dollars.default(50).describe('Smaller positions are not worth their trouble'),
  marginMode: z.enum(['cross', 'isolated']).default('cross').describe('Margin of new positions'),
  leverage: z.int().positive().default(3).describe('Leverage that coins are set to, at most what they allow'),
})
export type SizingOptions = z.infer<typeof SizingOptions>

export const RotationOptions = z.strictObject({
  enabled: z.boolean().default(true).describe('Give up a position for a better coin where there is no room'),
  minGain: z.number().min(0).default(0.0005).describe('Gain beyond the cost of the turn, fraction of notional'),
})
export type RotationOptions = z.infer<typeof RotationOptions>

export const HazardOptions = z.strictObject({
  maxSignFlip: fraction
    .default(0.5)
    .describe('Most probable sign flip of funding before its income has paid the costs; above, nothing is opened'),
})
export type HazardOptions = z.infer<typeof HazardOptions>
