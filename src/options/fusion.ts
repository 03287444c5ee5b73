import { z } from 'zod'
import { fraction } from './numbers.ts'

const regimeScale = z.strictObject({ chop: z.number().min(0), trend: z.number().min(0), reversal: z.number().min(0) })

export const FusionOptions = z.strictObject({
  weights: z
    .record(z.string(), z.number().min(0))
    .default({ 'ou-funding': 0.3, 'kalman-funding': 0.2, 'cross-section': 0.2, breakout: 0.15, flow: 0.15 })
    .describe('Weight of each scanner; a scanner without one does not count'),
  regimeScale: z
    .strictObject({ contrarian: regimeScale, momentum: regimeScale })
    .default({
      contrarian: { chop: 1.25, trend: 0.5, reversal: 1 },
      momentum: { chop: 0.5, trend: 1.25, reversal: 0.75 },
    })
    .describe('What each regime makes of a scanner style; the probabilities average these'),
  learning: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Learn the weights from what the sources brought, out of sample'),
      rate: z.number().positive().max(5).default(0.1).describe('Learning rate for a horizon of lessons'),
      horizonHours: z.int().positive().default(24).describe('Hours after which an opinion is compared with what came'),
      floor: fraction.default(0.25).describe('Least weight, in multiples of the configured one'),
      ceiling: z.number().min(1).max(20).default(4).describe('Greatest weight, in multiples of the configured one'),
    })
    .prefault({}),
  minConviction: fraction.default(0.1).describe('Nothing is opened below this conviction'),
})
export type FusionOptions = z.infer<typeof FusionOptions>
