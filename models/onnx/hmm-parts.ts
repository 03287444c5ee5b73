import { LONGEST_STEP_HOURS } from '../hmm/chain.ts'
import { SMALLEST_PIVOT } from '../hmm/linear-algebra.ts'
import { type Observation, observationColumns } from '../hmm/observation.ts'
import type { HmmRegimeModel } from '../hmm/regime-model.ts'
import { REGIMES } from '../regime.ts'
import type { GraphBuilder } from './writer.ts'

/** Attributes of `Cast`: the filter runs in float64, what goes in and out is float32. */
export const asDouble = { to: 11 }
export const asFloat = { to: 1 }
export const asInteger = { to: 7 }

/**
 * Scaled observations and their masks, `[batch, knots, D]` each in float64, from the graph's inputs.
 *
 * @param features `[batch, knots, channels]`
 * @param mask the same
 */
export function observe(g: GraphBuilder, model: HmmRegimeModel, features: string, mask: string) {
  const { observations, channels, scaling } = model
  const D = observations.length
  const known = g.node('Greater', [mask, g.scalar(0.5)])
  const raw = g.node('Cast', [g.node('Where', [known, features, g.scalar(0)])], asDouble)
  const seen = g.node('Cast', [known], asDouble)
  const values = observations.map((observation) => observationNode(g, channels, observation, raw))
  const masks = observations.map((observation) => maskNode(g, channels, observation, seen))
  const centred = g.node('Sub', [concatenate(g, values), g.constant(scaling.median, [D], 'float64')])
  const scaled = g.node('Div', [centred, g.constant(scaling.iqr, [D], 'float64')])
  return { scaled, observed: concatenate(g, masks) }
}

/**
 * One step of the filter: predict by the transition, condition on the observation, normalise.
 *
 * @param transition `[batch, K, K]`
 * @returns filtered posterior, `[batch, K]`
 */
export function filterStep(
  g: GraphBuilder,
  model: HmmRegimeModel,
  knot: { before: string; transition: string; observation: string; observed: string },
): string {
  const row = g.node('Unsqueeze', [knot.before, g.ints(1)])
  const predicted = g.node('Squeeze', [g.node('MatMul', [row, knot.transition]), g.ints(1)])
  const logDensity = emissionNode(g, model, knot.observation, knot.observed)
  return g.node('Softmax', [g.node('Add', [g.node('Log', [predicted]), logDensity])], { axis: 1 })
}

/** Reads the filtered posterior as regime probabilities, the node named `probabilities`. */
export function readRegimes(g: GraphBuilder, model: HmmRegimeModel, filtered: string): void {
  const table = g.constant(model.contingency, [model.states, REGIMES.length], 'float64')
  g.node('Cast', [g.node('MatMul', [filtered, table])], asFloat, 'probabilities')
}

/** Which power of the transition leads over `elapsed` hours (float64); beyond the longest it is the stationary one. */
export function transitionPower(g: GraphBuilder, elapsed: string): string {
  const rounded = g.node('Floor', [g.node('Add', [elapsed, g.scalar(0.5, 'float64')])])
  const capped = g.node('Clip', [rounded, g.scalar(0, 'float64'), g.scalar(LONGEST_STEP_HOURS + 1, 'float64')])
  return g.node('Cast', [capped], asInteger)
}

const concatenate = (g: GraphBuilder, parts: readonly string[]) => g.node('Concat', parts, { axis: 2 })

/** Channel `column` of a `[batch, knots, channels]` tensor, `[batch, knots, 1]`. */
const channelNode = (g: GraphBuilder, tensor: string, column: number) =>
  g.node('Gather', [tensor, g.ints(column)], { axis: 2 })

function observationNode(g: GraphBuilder, channels: readonly string[], observation: Observation, features: string) {
  const [x, direction] = observationColumns(observation, channels).map((column) => channelNode(g, features, column))
  if (observation.form === 'magnitude') return g.node('Sqrt', [g.node('Abs', [x])])
  if (observation.form === 'along') return g.node('Mul', [x, g.node('Sign', [direction])])
  return x
}

/** 1 where all channels of the observation are there. */
function maskNode(g: GraphBuilder, channels: readonly string[], observation: Observation, observed: string) {
  const [x, direction] = observationColumns(observation, channels).map((column) => channelNode(g, observed, column))
  return direction === undefined ? x : g.node('Mul', [x, direction])
}

/**
 * Log density of the observed part of each row under each state, `[batch, K]`, up to a constant of the row.
 *
 * @param observation `[batch, D]`
 * @param observed `[batch, D]`, 1 or 0
 */
function emissionNode(g: GraphBuilder, model: HmmRegimeModel, observation: string, observed: string): string {
  const { states: K, covariance } = model
  const D = model.observations.length
  const mask = g.node('Unsqueeze', [observed, g.ints(1)])
  const mean = g.constant(model.mean, [K, D], 'float64')
  const residual = g.node('Mul', [g.node('Sub', [g.node('Unsqueeze', [observation, g.ints(1)]), mean]), mask])
  const half = g.scalar(-0.5, 'float64')
  if (model.covarianceType === 'diagonal') {
    const precision = g.constant(
      covariance.map((value) => 1 / Math.max(value, SMALLEST_PIVOT)),
      [K, D],
      'float64',
    )
    const logVariance = g.constant(
      covariance.map((value) => Math.log(Math.max(value, SMALLEST_PIVOT))),
      [K, D],
      'float64',
    )
    const distance = g.node('Mul', [g.node('Mul', [residual, residual]), precision])
    const terms = g.node('Add', [distance, g.node('Mul', [logVariance, mask])])
    return g.node('Mul', [g.node('ReduceSum', [terms, g.ints(2)], { keepdims: 0 }), half])
  }
  const { logDeterminant, distance } = eliminate(g, maskedCovariance(g, model, mask), residual, D)
  return g.node('Mul', [g.node('Add', [logDeterminant, distance]), half])
}

/** M Sigma M + (I - M), `[batch, K, D, D]`: a missing dimension becomes one of variance 1 that touches no other. */
function maskedCovariance(g: GraphBuilder, model: HmmRegimeModel, mask: string): string {
  const D = model.observations.length
  const rows = g.node('Unsqueeze', [mask, g.ints(3)])
  const columns = g.node('Unsqueeze', [mask, g.ints(2)])
  const covariance = g.constant(model.covariance, [model.states, D, D], 'float64')
  const kept = g.node('Mul', [g.node('Mul', [rows, covariance]), columns])
  const identity = Float64Array.from({ length: D * D }, (_, i) => (i % (D + 1) === 0 ? 1 : 0))
  const one = g.scalar(1, 'float64')
  const added = g.node('Mul', [g.node('Sub', [one, rows]), g.constant(identity, [D, D], 'float64')])
  return g.node('Add', [kept, added])
}

/**
 * Log determinant of S and r' S^-1 r, by eliminating the augmented matrix [[S, r], [r', 0]] one row after the other:
 * each Schur complement leaves a matrix smaller by one, the pivots multiply to the determinant, and what is left at
 * the end is minus the quadratic form (Golub and Van Loan 2013, section 3.2).
 *
 * @param covariance `[batch, K, D, D]`
 * @param residual `[batch, K, D]`
 * @returns both `[batch, K]`
 */
function eliminate(g: GraphBuilder, covariance: string, residual: string, D: number) {
  const column = g.node('Unsqueeze', [residual, g.ints(3)])
  const corner = g.constant([0], [1, 1, 1], 'float64')
  const row = g.node('Unsqueeze', [residual, g.ints(2)])
  const padding = g.node('Mul', [g.node('Slice', [row, g.ints(0), g.ints(1), g.ints(3)]), corner])
  let matrix = g.node(
    'Concat',
    [g.node('Concat', [covariance, column], { axis: 3 }), g.node('Concat', [row, padding], { axis: 3 })],
    { axis: 2 },
  )
  const block = (rows: [number, number], columns: [number, number]) =>
    g.node('Slice', [matrix, g.ints(rows[0], columns[0]), g.ints(rows[1], columns[1]), g.ints(2, 3)])
  const logPivots: string[] = []
  for (let size = D + 1; size > 1; size--) {
    const pivot = g.node('Max', [block([0, 1], [0, 1]), g.scalar(SMALLEST_PIVOT, 'float64')])
    logPivots.push(g.node('Log', [pivot]))
    const products = g.node('MatMul', [block([1, size], [0, 1]), block([0, 1], [1, size])])
    matrix = g.node('Sub', [block([1, size], [1, size]), g.node('Div', [products, pivot])])
  }
  const flat = (value: string) => g.node('Squeeze', [value, g.ints(2, 3)])
  return {
    logDeterminant: logPivots.map(flat).reduce((sum, value) => g.node('Add', [sum, value])),
    distance: g.node('Neg', [flat(matrix)]),
  }
}
