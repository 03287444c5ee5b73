import { z } from 'zod'
import { hours } from './numbers.ts'

export const OuFundingOptions = z
  .strictObject({
    windowHours: hours.default(168).describe('Hours of funding that the OU process is fitted on'),
    confidence: z
      .number()
      .min(0.5)
      .max(0.999)
      .default(0.95)
      .describe('Level of the confidence interval of the half-life'),
    significance: z
      .number()
      .min(1e-6)
      .max(0.5)
      .default(0.05)
      .describe('No signal where a unit root cannot be rejected at this level: mean reversion is not significant'),
    minPairs: z.int().min(8).default(72).describe('Fewest pairs of consecutive hours that allow a fit'),
    entryZ: z.number().positive().default(2).describe('A signal needs |z| above this'),
    exitZ: z.number().min(0).default(0.5).describe('A held side is backed until |z| falls to this (hysteresis)'),
    minHalfLifeHours: z.number().positive().default(2).describe('Faster reversion than this is over before a fill'),
    maxHalfLifeHours: z
      .number()
      .positive()
      .default(24)
      .describe('Slower reversion than this is no reversion to wait for'),
    horizonHalfLives: z
      .number()
      .positive()
      .default(2)
      .describe('Holding time in half-lives; 2 is 75 % of the reversion'),
  })
  .refine((value) => value.exitZ < value.entryZ, { path: ['exitZ'], error: 'must be below entryZ' })
  .refine((value) => value.minHalfLifeHours <= value.maxHalfLifeHours, {
    path: ['minHalfLifeHours'],
    error: 'must not exceed maxHalfLifeHours',
  })
export type OuFundingOptions = z.infer<typeof OuFundingOptions>

export const KalmanFundingOptions = z.strictObject({
  windowHours: hours.default(336).describe('Hours of funding behind each maximum-likelihood fit of Q and R'),
  refitHours: hours.default(24).describe('Q and R are fitted again every so many hours, on full multiples since 1970'),
  minObservations: z.int().min(8).default(72).describe('Fewest hours with funding that allow a fit'),
  levelVarianceFactor: z
    .number()
    .positive()
    .default(1)
    .describe(
      'What the fitted Q is multiplied by: above 1 the level follows faster. On Q and R alike it would be entryZ',
    ),
  fallbackHours: hours.default(168).describe('Rolling window of the z-score that stands in when the fit fails'),
  entryZ: z.number().positive().default(2).describe('A signal needs |innovation z| above this'),
  exitLevel: z
    .number()
    .min(0)
    .default(1.25e-5)
    .describe('A held side is backed while the filtered level pays it more than this an hour (hysteresis)'),
  horizonHours: hours.default(24).describe('Holding time; a random-walk level has no horizon of its own'),
})
export type KalmanFundingOptions = z.infer<typeof KalmanFundingOptions>
