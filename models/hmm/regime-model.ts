import { z } from 'zod'
import { InputError } from '#data/errors.ts'
import type { Windows } from '#data/windows.ts'
import { REGIMES, type RegimeModel } from '../regime.ts'
import type { Scaling } from '../scaling.ts'
import { powerIndex, transitionPowers } from './chain.ts'
import { createEmission } from './emission.ts'
import { condition, predict } from './filter.ts'
import { createObserver, Observation } from './observation.ts'
import { CovarianceType, covarianceSize, type HmmParameters } from './parameters.ts'

const numbers = z.array(z.number())

/** A fitted hidden Markov model with its reading in regimes: plain data, the HMM's checkpoint. */
export const HmmRegimeModel = z
  .object({
    kind: z.literal('hmm'),
    /** Channels a window must have, in order. */
    channels: z.array(z.string()).min(1),
    /** Knots a window should have; the filter takes any number. */
    knots: z.int().min(1),
    observations: z.array(Observation).min(1),
    /** Median and interquartile range of each observation. */
    scaling: z.object({ channels: z.array(z.string()), median: numbers, iqr: numbers }),
    states: z.int().min(1),
    covarianceType: CovarianceType,
    initial: numbers,
    transition: numbers,
    mean: numbers,
    covariance: numbers,
    /** P(regime | state), `[K, 3]`. */
    contingency: numbers,
    /** The candidates that were tried and how the criterion judged them. */
    selection: z.array(z.object({ states: z.int(), logLikelihood: z.number(), bic: z.number(), rows: z.int() })),
  })
  .superRefine((model, context) => {
    const { states: K, observations, covarianceType } = model
    const D = observations.length
    const expected = {
      initial: K,
      transition: K * K,
      mean: K * D,
      covariance: K * covarianceSize(covarianceType, D),
      contingency: K * REGIMES.length,
    }
    for (const [name, length] of Object.entries(expected)) {
      const actual = model[name as keyof typeof expected].length
      if (actual !== length) {
        context.addIssue({ code: 'custom', path: [name], message: `must have ${length} numbers, has ${actual}` })
      }
    }
    for (const name of ['channels', 'median', 'iqr'] as const) {
      if (model.scaling[name].length !== D) {
        context.addIssue({ code: 'custom', path: ['scaling', name], message: `must have ${D} entries` })
      }
    }
  })
export type HmmRegimeModel = z.infer<typeof HmmRegimeModel>

/** The parameters of a checkpoint as typed arrays. */
export function parametersOf(model: HmmRegimeModel): HmmParameters {
  return {
    states: model.states,
    dimensions: model.observations.length,
    covarianceType: model.covarianceType,
    initial: Float64Array.from(model.initial),
    transition: Float64Array.from(model.transition),
    mean: Float64Array.from(model.mean),
    covariance: Float64Array.from(model.covariance),
  }
}

/** Scales observations `[rows, D]` in place. */
export function scaleObservations(observed: Float64Array, scaling: Scaling): void {
  const D = scaling.channels.length
  for (let i = 0; i < observed.length; i++) observed[i] = (observed[i] - scaling.median[i % D]) / scaling.iqr[i % D]
}

/**
 * Regime probabilities at the last knot of each window: the filtered state posterior times P(regime | state).
 *
 * The filter starts from the stationary distribution, since a window begins anywhere in a market's life. A knot h
 * hours after the one before is reached by A^h.
 *
 * @returns `[count, 3]`, rows sum to 1
 * @throws {InputError} where the windows have other channels than the model
 */
export function estimateHmm(model: HmmRegimeModel, windows: Windows): Float32Array {
  checkChannels(model, windows)
  const { states: K, contingency } = model
  const { count, knots, hours } = windows
  const C = windows.channels.length
  const parameters = parametersOf(model)
  const { stationary, powers } = transitionPowers(parameters.transition, K)
  const emission = createEmission(parameters)
  const observe = createObserver(model.channels, model.observations)
  const raw = new Float64Array(knots * C)
  const observed = new Float64Array(knots * model.observations.length)
  const logDensities = new Float64Array(knots * K)
  const filtered = new Float64Array(K)
  const predicted = new Float64Array(K)
  const probabilities = new Float32Array(count * REGIMES.length)

  for (let n = 0; n < count; n++) {
    for (let i = 0; i < raw.length; i++) {
      const at = n * raw.length + i
      raw[i] = windows.mask[at] > 0.5 ? windows.features[at] : Number.NaN
    }
    observe(raw, knots, observed)
    scaleObservations(observed, model.scaling)
    emission.logDensities(observed, knots, logDensities)
    filtered.set(stationary)
    for (let knot = 0; knot < knots; knot++) {
      const at = n * knots + knot
      const step = knot === 0 ? 0 : powerIndex(hours[at] - hours[at - 1])
      predict(filtered, 0, powers, step * K * K, K, predicted)
      condition(predicted, logDensities, knot * K, K, filtered, 0)
    }
    for (let r = 0; r < REGIMES.length; r++) {
      let sum = 0
      for (let k = 0; k < K; k++) sum += filtered[k] * contingency[k * REGIMES.length + r]
      probabilities[n * REGIMES.length + r] = sum
    }
  }
  return probabilities
}

function checkChannels(model: HmmRegimeModel, windows: Windows): void {
  if (model.channels.length === windows.channels.length) {
    if (model.channels.every((channel, c) => channel === windows.channels[c])) return
  }
  throw new InputError(`the windows have channels ${windows.channels}, the HMM needs ${model.channels}`)
}

/** The checkpoint as a regime model that runs in TypeScript. */
export function hmmAsRegimeModel(model: HmmRegimeModel): RegimeModel {
  return {
    name: 'hmm',
    knots: model.knots,
    channels: model.channels,
    estimate: async (windows) => estimateHmm(model, windows),
  }
}
