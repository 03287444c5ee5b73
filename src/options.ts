import { z } from 'zod'
import { KalmanFundingOptions, OuFundingOptions } from './options/funding-scanners.ts'
import { FusionOptions } from './options/fusion.ts'
import { GraduationOptions } from './options/graduation.ts'
import { BreakoutOptions, CrossSectionOptions, FlowOptions } from './options/market-scanners.ts'
import { fraction } from './options/numbers.ts'
import { ExchangeOptions } from './options/paper.ts'
import { ProtectionOptions } from './options/protections.ts'
import { HazardOptions, RotationOptions, SizingOptions } from './options/sizing.ts'
import { ValidationOptions } from './options/validation.ts'

/**
 * Everything that can be set on the trading side, with its default.
 *
 * The defaults come from the documents (thresholds, fees) or are round numbers; none was searched for on data.
 */
export const WheelOptions = z.strictObject({
  capitalDollars: z.number().positive().default(10_000).describe('Equity at the start'),
  requireEdge: z
    .boolean()
    .default(true)
    .describe('Open only where expected funding plus reversion pays the round trip and minEdge'),
  minEdge: z.number().default(0).describe('Margin over the round-trip cost, fraction of notional'),
  exitTrendProbability: fraction
    .default(0.6)
    .describe('A position opened outside a trend is closed when a trend becomes more probable than this'),
  maxEstimateAgeHours: z.int().min(0).default(0).describe('Oldest regime estimate that may still steer an opening'),
  useRegimes: z.boolean().default(true).describe('Let regimes steer; off only to see what they are worth'),
  ouFunding: OuFundingOptions.prefault({}),
  kalmanFunding: KalmanFundingOptions.prefault({}),
  crossSection: CrossSectionOptions.prefault({}),
  breakout: BreakoutOptions.prefault({}),
  flow: FlowOptions.prefault({}),
  fusion: FusionOptions.prefault({}),
  validation: ValidationOptions.prefault({}),
  protections: ProtectionOptions.prefault({}),
  hazard: HazardOptions.prefault({}),
  sizing: SizingOptions.prefault({}),
  rotation: RotationOptions.prefault({}),
  exchange: ExchangeOptions.prefault({}),
  graduation: GraduationOptions.prefault({}),
})
export type WheelOptions = z.infer<typeof WheelOptions>
