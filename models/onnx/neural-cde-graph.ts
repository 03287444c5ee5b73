import { SUMMED_FEATURE } from '#data/features.ts'
import { type Architecture, windowHours } from '../classifier/architecture.ts'
import type { ParameterVector } from '../classifier/parameters.ts'
import type { Scaling } from '../scaling.ts'
import {
  type CdeConstants,
  cdeConstants,
  counts,
  driving,
  readOut,
  scaleFeatures,
  startAtKnot,
} from './neural-cde-parts.ts'
import type { DataType } from './schema.ts'
import { regimeGraphSignature } from './signatures.ts'
import { advanceState } from './vector-fields.ts'
import { type GraphBuilder, type ValueInfo, writeModel } from './writer.ts'

/**
 * Writes a neural CDE as an ONNX graph: scaling, control path and solver inside, `Scan` over knots, batch and
 * knots dynamic. Computes what `controlPath` and `regimeLogits` compute, followed by a softmax.
 *
 * @param metadata written to `metadata_props`
 * @returns the bytes of the file
 */
export function writeNeuralCdeGraph(
  architecture: Architecture,
  vector: ParameterVector,
  scaling: Scaling,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const channels = architecture.channels.length
  return writeModel({ name: 'neural-cde', ...regimeGraphSignature(channels), metadata }, (g) => {
    const names = cdeConstants(g, architecture, vector)
    const scaled = scaleFeatures(g, architecture, scaling)
    const observed = g.node('Cast', ['mask'], { to: 1 })
    const elapsed = hoursBetweenKnots(g, architecture)
    const counted = counts(g, names, observed)

    const knot0 = (name: string) =>
      g.node('Squeeze', [g.node('Slice', [name, g.ints(0), g.ints(1), g.ints(1)]), g.ints(1)])
    const first = { scaled: knot0(scaled), observed: knot0(observed), elapsed: knot0(elapsed) }
    const { state: start } = startAtKnot(g, architecture, names, first)

    // A window of one knot gets a second one at which nothing moves: onnxruntime dies of a Scan over nothing.
    const knots = g.node('Gather', [g.node('Shape', ['hours']), g.ints(1)])
    const end = g.node('Max', [knots, g.ints(2)])
    const later = (name: string) => {
      const still = g.node('Mul', [g.node('Slice', [name, g.ints(0), g.ints(1), g.ints(1)]), g.scalar(0)])
      return g.node('Slice', [g.node('Concat', [name, still], { axis: 1 }), g.ints(1), end, g.ints(1)])
    }
    const seen = g.node('Cast', [later(observed)], { to: 9 })
    const inputs = [later(standing(g, architecture, names, scaled)), seen, ...[elapsed, ...counted].map(later)]
    const body = knotStep(g, architecture, names)
    const [stood, state] = g.nodes('Scan', [first.scaled, start, ...inputs], ['stood_final', 'state_final'], {
      body: { graph: body },
      num_scan_inputs: inputs.length,
      scan_input_axes: inputs.map(() => 1),
    })
    const total = (name: string) => g.node('ReduceSum', [name, g.ints(1)], { keepdims: 0 })
    const path = g.node('Concat', [total(elapsed), stood, ...counted.map(total)], { axis: 1 })
    readOut(g, architecture, names, { path, state })
  })
}

/**
 * Where each feature's channel of the path stands if it is observed, `[batch, knots, channels]`: levels as they are, the
 * running sum as the sum so far. Summed here, so that the body of the `Scan`, which is started once a knot, has one
 * rule for all channels.
 */
function standing(g: GraphBuilder, architecture: Architecture, names: CdeConstants, scaled: string): string {
  if (!architecture.channels.includes(SUMMED_FEATURE)) return scaled
  const isSummed = g.node('Cast', [names.summed], { to: 9 })
  return g.node('Where', [isSummed, g.node('CumSum', [scaled, g.scalar(1, 'int64')]), scaled])
}

/** Increments of the time channel, `[batch, knots, 1]`; 0 at the first knot. */
function hoursBetweenKnots(g: GraphBuilder, architecture: Architecture): string {
  const first = g.node('Slice', ['hours', g.ints(0), g.ints(1), g.ints(1)])
  const before = g.node('Slice', ['hours', g.ints(0), g.ints(-1), g.ints(1)])
  const shifted = g.node('Concat', [first, before], { axis: 1 })
  const unit = g.scalar(1 / windowHours(architecture))
  const elapsed = g.node('Mul', [g.node('Sub', ['hours', shifted]), unit])
  return g.node('Unsqueeze', [elapsed, g.ints(2)])
}

/** The body of the `Scan`: (feature channels of X, h), and a knot's values, mask, hours and counts -> (channels, h). */
function knotStep(g: GraphBuilder, architecture: Architecture, names: CdeConstants): object {
  const { channels, counted, hidden } = architecture
  const value = (name: string, size: number, type: DataType = 'float32'): ValueInfo => ({
    name,
    type,
    dims: ['batch', size],
  })
  const inputs = [
    value('stood', channels.length),
    value('state', hidden),
    value('standing_knot', channels.length),
    value('observed_knot', channels.length, 'bool'),
    value('elapsed_knot', 1),
    ...(counted.length ? [value('counts_knot', counted.length)] : []),
  ]
  const outputs = [value('stood_next', channels.length), value('state_next', hidden)]
  return g.subgraph('knot', inputs, outputs, (b) => {
    const stands = b.node('Where', ['observed_knot', 'standing_knot', 'stood'], {}, 'stood_next')
    const moves = b.node('Sub', [stands, 'stood'])
    const counts = counted.length ? ['counts_knot'] : []
    const increment = b.node('Concat', ['elapsed_knot', driving(b, architecture, moves), ...counts], { axis: 1 })
    const next = advanceState(b, architecture, names.parameters, { state: 'state', increment })
    b.node('Identity', [next], {}, 'state_next')
  })
}
