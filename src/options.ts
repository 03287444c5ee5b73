import { z } from 'zod'

const fraction = z.number().min(0).max(1)
const hours = z.int().positive()

const OuFundingOptions = z
  .strictObject({
    windowHours: hours.default(168).describe('Hours of funding that the OU process is fitted on'),
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

const KalmanFundingOptions = z.strictObject({
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

const ValidationOptions = z.strictObject({
  movingAverageBars: hours.default(200).describe('Bars of the moving average of closes'),
  movingAverageDistance: fraction.default(0.02).describe('Longs further below, shorts further above are rejected'),
  efficiencyHours: hours.default(24).describe('Hours over which |net move| / path is taken'),
  minEfficiency: fraction.default(0.3).describe('Trend efficiency below this is rejected'),
})
export type ValidationOptions = z.infer<typeof ValidationOptions>

const regimeScale = z.strictObject({ chop: z.number().min(0), trend: z.number().min(0), reversal: z.number().min(0) })

const FusionOptions = z.strictObject({
  weights: z
    .record(z.string(), z.number().min(0))
    .default({ 'ou-funding': 0.6, 'kalman-funding': 0.4 })
    .describe('Weight of each scanner; a scanner without one does not count'),
  regimeScale: z
    .strictObject({ contrarian: regimeScale, momentum: regimeScale })
    .default({
      contrarian: { chop: 1.25, trend: 0.5, reversal: 1 },
      momentum: { chop: 0.5, trend: 1.25, reversal: 0.75 },
    })
    .describe('What each regime makes of a scanner style; the probabilities average these'),
  minConviction: fraction.default(0.2).describe('Nothing is opened below this conviction'),
})
export type FusionOptions = z.infer<typeof FusionOptions>

const ExchangeOptions = z.strictObject({
  takerFee: fraction.default(0.00045).describe('Taker fee of each side, fraction of notional (Hyperliquid tier 0)'),
  slippage: fraction.default(0.0001).describe('Fraction by which each fill is worse than the price it is taken from'),
  minOrderDollars: z.number().min(0).default(10).describe('Orders that open less than this are refused'),
  sizeDecimals: z.int().min(0).max(8).default(4).describe('Decimals of a size where the venue states none'),
})
export type ExchangeOptions = z.infer<typeof ExchangeOptions>

/**
 * Everything that can be set on the trading side, with its default.
 *
 * The defaults come from the documents (thresholds, fees) or are round numbers; none was searched for on data.
 */
export const WheelOptions = z.strictObject({
  capitalDollars: z.number().positive().default(10_000).describe('Equity at the start'),
  positionDollars: z.number().positive().default(1_000).describe('Notional of every position (equal notional)'),
  maxPositions: z.int().positive().default(5).describe('Most positions open at once'),
  maxGrossLeverage: z.number().positive().default(1).describe('Most gross notional, in multiples of equity'),
  requireEdge: z
    .boolean()
    .default(true)
    .describe('Open only where expected funding plus reversion pays the round trip and minEdge'),
  minEdge: z.number().default(0).describe('Margin over the round-trip cost, fraction of notional'),
  exitTrendProbability: fraction
    .default(0.6)
    .describe('A position opened outside a trend is closed when a trend becomes more probable than this'),
  maxEstimateAgeHours: z.int().min(0).default(0).describe('Oldest regime estimate that may still steer an opening'),
  ouFunding: OuFundingOptions.prefault({}),
  kalmanFunding: KalmanFundingOptions.prefault({}),
  validation: ValidationOptions.prefault({}),
  fusion: FusionOptions.prefault({}),
  exchange: ExchangeOptions.prefault({}),
})
export type WheelOptions = z.infer<typeof WheelOptions>
