import { LONGEST_STEP_HOURS, transitionPowers } from '../hmm/chain.ts'
import { type HmmRegimeModel, parametersOf } from '../hmm/regime-model.ts'
import { asDouble, filterStep, observe, readRegimes, transitionPower } from './hmm-parts.ts'
import { regimeGraphSignature } from './signatures.ts'
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
  const signature = regimeGraphSignature(model.channels.length)
  return writeModel({ name: 'hmm', ...signature, metadata }, (g) => buildGraph(g, model))
}

function buildGraph(g: GraphBuilder, model: HmmRegimeModel): void {
  const { states: K, observations } = model
  const { stationary, powers } = transitionPowers(parametersOf(model).transition, K)
  const D = observations.length
  const { scaled, observed } = observe(g, model, 'features', 'mask')
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
      const knot = { before: 'filtered_before', transition, observation: 'observation', observed: 'observed' }
      s.node('Identity', [filterStep(s, model, knot)], {}, 'filtered_after')
    },
  )
  const [filtered] = g.nodes('Scan', [start, scaled, observed, stepNode(g)], ['filtered'], {
    body: { graph: body },
    num_scan_inputs: 3,
    scan_input_axes: [1, 1, 1],
  })
  readRegimes(g, model, filtered)
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
  return transitionPower(g, elapsed)
}
