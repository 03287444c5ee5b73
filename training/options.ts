import { z } from 'zod'
import { BACKEND_NAMES } from '#models/backend.ts'
import { CdeConfiguration } from '#models/classifier/architecture.ts'

/** How the neural CDE is fitted (design section 6: pool the universe, keep the net small, stop on log-loss). */
export const CdeTrainingOptions = z.object({
  epochs: z.int().min(1).max(300).default(30).describe('most epochs'),
  patience: z.int().min(1).default(6).describe('epochs without a better validation loss before stopping'),
  decayPatience: z.int().min(1).default(3).describe('epochs without a better validation loss before halving the rate'),
  batch: z.int().min(1).default(256).describe('windows a step'),
  learningRate: z.number().positive().default(0.0015),
  weightDecay: z.number().min(0).default(0.03),
  clipNorm: z.number().positive().default(1).describe('largest norm of a gradient'),
  labelSmoothing: z.number().min(0).max(0.5).default(0),
  dropout: z.number().min(0).max(0.9).default(0.2).describe('share of h(T) dropped in training'),
  mirror: z.boolean().default(true).describe('negate the returns of half of the training windows'),
  averaging: z.number().min(0).max(0.9999).default(0.99).describe('decay a step of the averaged weights'),
  minutes: z.number().positive().default(10).describe('stop with the best epoch so far after this time'),
})
export type CdeTrainingOptions = z.infer<typeof CdeTrainingOptions>

/** How the hidden Markov model is fitted. */
export const HmmTrainingOptions = z.object({
  states: z.array(z.int().min(1).max(12)).nonempty().default([3, 4, 5, 6]).describe('numbers of states to choose from'),
  covarianceType: z.enum(['full', 'diagonal']).default('full'),
  knots: z.int().min(2).max(168).default(24).describe('knots of an HMM window'),
  restarts: z.int().min(1).default(4).describe('seeded starts for each number of states'),
  iterations: z.int().min(1).default(60).describe('most iterations of Baum-Welch'),
  rowsPerCoin: z.int().min(100).default(1500).describe('most rows of each coin that are learned from'),
})
export type HmmTrainingOptions = z.infer<typeof HmmTrainingOptions>

/** Everything about training that a user may set. */
export const TrainingOptions = z.object({
  backend: z
    .enum(['auto', ...BACKEND_NAMES])
    .default('auto')
    .describe(
      'training backend; auto is a graphics card where there is one, else onnxruntime for the plain encoder, wasm for others',
    ),
  threads: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('threads of the wasm and onnxruntime backends; as many as there are cores (8 at most) by default'),
  onBackendFailure: z
    .enum(['stop', 'step-down'])
    .default('stop')
    .describe('when a backend fails half-way: stop with the best epoch so far, or go on with the next backend'),
  knots: z.int().min(2).max(168).default(24).describe('knots of a CDE window'),
  stride: z.int().min(1).max(24).default(3).describe('train on every n-th hour, or more of them where data are few'),
  architecture: CdeConfiguration.prefault({ solver: 'euler' }),
  cde: CdeTrainingOptions.prefault({}),
  hmm: HmmTrainingOptions.prefault({}),
})
export type TrainingOptions = z.infer<typeof TrainingOptions>
