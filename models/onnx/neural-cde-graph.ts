import { type Architecture, pathChannels, windowHours } from '../classifier/architecture.ts'
import type { ParameterVector } from '../classifier/parameters.ts'
import type { Scaling } from '../scaling.ts'
import {
  advanceKnot,
  type CdeConstants,
  cdeConstants,
  readOut,
  scaleFeatures,
  startAtKnot,
} from './neural-cde-parts.ts'
import { regimeGraphSignature } from './signatures.ts'
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

    const knot0 = (name: string) =>
      g.node('Squeeze', [g.node('Slice', [name, g.ints(0), g.ints(1), g.ints(1)]), g.ints(1)])
    const start = startAtKnot(g, names, { scaled: knot0(scaled), observed: knot0(observed), elapsed: knot0(elapsed) })

    // A window of one knot gets a second one at which nothing moves: onnxruntime dies of a Scan over nothing.
    const knots = g.node('Gather', [g.node('Shape', ['hours']), g.ints(1)])
    const end = g.node('Max', [knots, g.ints(2)])
    const later = (name: string) => {
      const still = g.node('Mul', [g.node('Slice', [name, g.ints(0), g.ints(1), g.ints(1)]), g.scalar(0)])
      return g.node('Slice', [g.node('Concat', [name, still], { axis: 1 }), g.ints(1), end, g.ints(1)])
    }
    const body = knotStep(g, architecture, names)
    const [path, state] = g.nodes(
      'Scan',
      [start.path, start.state, later(scaled), later(observed), later(elapsed)],
      ['path_final', 'state_final'],
      { body: { graph: body }, num_scan_inputs: 3, scan_input_axes: [1, 1, 1] },
    )
    readOut(g, architecture, names, { path, state })
  })
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

/** The body of the `Scan`: (X, h, scaled, observed, elapsed) at one knot -> (X, h). */
function knotStep(g: GraphBuilder, architecture: Architecture, names: CdeConstants): object {
  const { channels, hidden } = architecture
  const value = (name: string, size: number): ValueInfo => ({ name, type: 'float32', dims: ['batch', size] })
  const path = pathChannels(architecture)
  const inputs = [
    value('path', path),
    value('state', hidden),
    value('scaled_knot', channels.length),
    value('observed_knot', channels.length),
    value('elapsed_knot', 1),
  ]
  return g.subgraph('knot', inputs, [value('path_next', path), value('state_next', hidden)], (b) => {
    const knot = {
      path: 'path',
      state: 'state',
      scaled: 'scaled_knot',
      observed: 'observed_knot',
      elapsed: 'elapsed_knot',
    }
    const next = advanceKnot(b, architecture, names, knot)
    b.node('Identity', [next.path], {}, 'path_next')
    b.node('Identity', [next.state], {}, 'state_next')
  })
}
