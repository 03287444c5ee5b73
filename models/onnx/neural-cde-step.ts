import { type Architecture, pathChannels, windowHours } from '../classifier/architecture.ts'
import type { ParameterVector } from '../classifier/parameters.ts'
import type { Scaling } from '../scaling.ts'
import { advanceKnot, cdeConstants, readOut, scaleFeatures, startAtKnot } from './neural-cde-parts.ts'
import { stepGraphSignature } from './signatures.ts'
import { writeModel } from './writer.ts'

/**
 * Writes one streaming step of a neural CDE as an ONNX graph: (X, h) and a knot to (X, h) and probabilities, at the cost
 * of one knot instead of a window. The state is [X, h], `[batch, P + H]`. Steps over the knots of a window give what
 * the window's graph gives; a stream that goes on remembers more than a window does.
 *
 * @param metadata written to `metadata_props`
 * @returns the bytes of the file
 */
export function writeNeuralCdeStep(
  architecture: Architecture,
  vector: ParameterVector,
  scaling: Scaling,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const width = pathChannels(architecture)
  const size = width + architecture.hidden
  const signature = stepGraphSignature(architecture.channels.length, size)
  return writeModel({ name: 'neural-cde-step', ...signature, metadata }, (g) => {
    const names = cdeConstants(g, architecture, vector)
    const scaled = scaleFeatures(g, architecture, scaling)
    const observed = g.node('Cast', ['mask'], { to: 1 })
    const column = (name: string) => g.node('Unsqueeze', [name, g.ints(1)])
    const isFirst = g.node('Cast', [column('first')], { to: 9 })
    const elapsed = g.node('Mul', [column('elapsed'), g.scalar(1 / windowHours(architecture))])
    const sinceBefore = g.node('Where', [isFirst, g.scalar(0), elapsed])
    const part = (from: number, to: number) => g.node('Slice', ['state', g.ints(from), g.ints(to), g.ints(1)])

    const knot = { scaled, observed, elapsed: sinceBefore }
    const started = startAtKnot(g, architecture, names, knot)
    const gone = advanceKnot(g, architecture, names, { ...knot, path: part(0, width), state: part(width, size) })
    const path = g.node('Where', [isFirst, started.path, gone.path])
    const state = g.node('Where', [isFirst, started.state, gone.state])
    g.node('Concat', [path, state], { axis: 1 }, 'state_next')
    readOut(g, architecture, names, { path, state })
  })
}
