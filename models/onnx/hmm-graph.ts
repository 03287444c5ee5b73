import { LONGEST_STEP_HOURS, transitionPowers } from '../hmm/chain.ts'
import { SMALLEST_PIVOT } from '../hmm/linear-algebra.ts'
import { type Observation, observationColumns } from '../hmm/observation.ts'
import { type HmmRegimeModel, parametersOf } from '../hmm/regime-model.ts'
import { REGIMES } from '../regime.ts'
import { type GraphBuilder, writeModel } from './writer.ts'

/**
 * Writes a fitted HMM as an ONNX graph from raw windows to regime probabilities. Inputs `features` and `mask`
 * `[batch, knots, channels]` and `hours` `[batch, knots]`, all float32; output `probabilities` `[batch, 3]`; batch and
 * knots are free.
 *
 * It does what {@link estimateHmm} does, in the same order and in float64: observations and scaling, then a `Scan` over
 * the knots whose body predicts, conditions and normalises. There is no backward pass in it.
 *
 * @param metadata written to `metadata_props`
 */
export function writeHmmGraph(model: HmmRegimeModel, metadata: Readonly<Record<string, string>>): Uint8Array {
  const window = ['batch', 'knots', model.channels.length]
  return writeModel(
    {
      name: 'hmm',
      inputs: [
        { name: 'features', type: 'float32', dims: window },
        { name: 'hours', type: 'float32', dims: ['batch', 'knots'] },
        { name: 'mask', type: 'float32', dims: window },
      ],
      outputs: [{ name: 'probabilities', type: 'float32', dims: ['batch', REGIMES.length] }],
      metadata,
    },
    (g) => buildGraph(g, model),
  )
}

const asDouble = { to: 11 }
const asFloat = { to: 1 }
const asInteger = { to: 7 }

function buildGraph(g: GraphBuilder, model: HmmRegimeModel): void {
  const { states: K, observations } = model
  const parameters = parametersOf(model)
  const { stationary, powers } = transitionPowers(parameters.transition, K)
  const D = observations.length

  const known = g.node('Greater', ['mask', g.scalar(0.5)])
  const features = g.node('Cast', [g.node('Where', [known, 'features', g.scalar(0)])], asDouble)
  const observed = g.node('Cast', [known], asDouble)
  const values = observations.map((observation) => observationNode(g, model.channels, observation, features))
  const masks = observations.map((observation) => maskNode(g, model.channels, observation, observed))
  const centred = g.node('Sub', [concatenate(g, values), g.constant(model.scaling.median, [D], 'float64')])
  const scaled = g.node('Div', [centred, g.constant(model.scaling.iqr, [D], 'float64')])

  const transitions = g.constant(powers, [LONGEST_STEP_HOURS + 2, K, K], 'float64')
  const start = g.node('Expand', [g.constant(stationary, [1, K], 'float64'), batchBy(g, K)])
  const body = g.subgraph(
    'filter',
    [
      { name: 'filtered_before', type: 'float64', dims: ['batch', K] },
      { name: 'observation', type: 'float64', dims: ['batch', D] },
      { name: 'observed', type: 'float64', dims: ['batch', D] },
      { name: 'step', type: 'int64', dims: ['batch'] },
    ],
    [{ name: 'filtered_after', type: 'float64', dims: ['batch', K] }],
    (s) => {
      const transition = s.node('Gather', [transitions, 'step'], { axis: 0 })
      const row = s.node('Unsqueeze', ['filtered_before', s.ints(1)])
      const predicted = s.node('Squeeze', [s.node('MatMul', [row, transition]), s.ints(1)])
      const logDensity = emissionNode(s, model, 'observation', 'observed')
      s.node('Softmax', [s.node('Add', [s.node('Log', [predicted]), logDensity])], { axis: 1 }, 'filtered_after')
    },
  )
  const [filtered] = g.nodes('Scan', [start, scaled, concatenate(g, masks), stepNode(g)], ['filtered'], {
    body: { graph: body },
    num_scan_inputs: 3,
    scan_input_axes: [1, 1, 1],
  })
  const table = g.constant(model.contingency, [K, REGIMES.length], 'float64')
  g.node('Cast', [g.node('MatMul', [filtered, table])], asFloat, 'probabilities')
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

/** The shape `[batch, width]`. */
function batchBy(g: GraphBuilder, width: number): string {
  const batch = g.node('Gather', [g.node('Shape', ['features']), g.ints(0)], { axis: 0 })
  return g.node('Concat', [batch, g.ints(width)], { axis: 0 })
}

/** Which power of the transition leads to each knot, `[batch, knots]`: 0 (stay as it is) for the first. */
function stepNode(g: GraphBuilder): string {
  const hours = g.node('Cast', ['hours'], asDouble)
  const first = g.node('Slice', [hours, g.ints(0), g.ints(1), g.ints(1)])
  const others = g.node('Slice', [hours, g.ints(0), g.ints(-1), g.ints(1)])
  const elapsed = g.node('Sub', [hours, g.node('Concat', [first, others], { axis: 1 })])
  const rounded = g.node('Floor', [g.node('Add', [elapsed, g.scalar(0.5, 'float64')])])
  const capped = g.node('Clip', [rounded, g.scalar(0, 'float64'), g.scalar(LONGEST_STEP_HOURS + 1, 'float64')])
  return g.node('Cast', [capped], asInteger)
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
