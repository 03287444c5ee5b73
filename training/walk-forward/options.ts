import { z } from 'zod'
import { WARM_UP_HOURS } from '#data/features.ts'

/** Knots of a default window: the oldest features of a window look back so much further than those of its last knot. */
const WINDOW_HOURS = 24

/** How models are judged (see `folds.ts` for what the hours mean). */
export const EvaluationOptions = z.object({
  folds: z.int().min(1).max(20).default(5).describe('test blocks, one after the other; fewer where data are too short'),
  seeds: z.int().min(1).max(50).default(5).describe('fits of each seeded model in each fold'),
  yardstickSeeds: z
    .int()
    .min(1)
    .max(50)
    .default(5)
    .describe('fits of the GRU in each fold, at most seeds: it is held against, never shipped, and takes the longest'),
  threads: z.int().min(0).max(256).default(0).describe('fits at a time; 0 is one for each core'),
  embargoHours: z
    .int()
    .min(24)
    .max(2000)
    .default(WARM_UP_HOURS + WINDOW_HOURS)
    .describe('hours before each test block that no model is fitted to'),
  resamples: z.int().min(100).max(100_000).default(2000).describe('draws of the bootstrap'),
  shuffles: z.int().min(99).max(100_000).default(999).describe('block shuffles behind each p-value'),
})
export type EvaluationOptions = z.infer<typeof EvaluationOptions>
