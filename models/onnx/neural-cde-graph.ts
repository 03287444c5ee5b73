import { SUMMED_FEATURE } from '#data/features.ts'
import {
  type CdeArchitecture,
  countUnit,
  directionChannel,
  pathChannels,
  summedUnit,
  windowHours,
} from '../neural-cde/configuration.ts'
import { type ParameterName, type ParameterVector, splitParameters } from '../neural-cde/parameters.ts'
import { SOLVERS } from '../neural-cde/solver.ts'
import { REGIMES } from '../regime.ts'
import type { Scaling } from '../scaling.ts'
import { type GraphBuilder, type ValueInfo, writeModel } from './writer.ts'

/** What every regime graph takes and gives: raw windows in, probabilities out. */
export function regimeGraphSignature(channels: number): { inputs: ValueInfo[]; outputs: ValueInfo[] } {
  return {
    inputs: [
      { name: 'features', type: 'float32', dims: ['batch', 'knots', channels] },
      { name: 'hours', type: 'float32', dims: ['batch', 'knots'] },
      { name: 'mask', type: 'float32', dims: ['batch', 'knots', channels] },
    ],
    outputs: [{ name: 'probabilities', type: 'float32', dims: ['batch', REGIMES.length] }],
  }
}

interface Names {
  readonly parameters: Record<ParameterName, string>
  /** `[channels]`: 1 for the channel whose running sum is on the path, 0 for levels. */
  readonly summed: string
  /** `[channels, counted]`: picks the counted channels' masks and scales them to the number of knots; absent where none is counted. */
  readonly counting: string | undefined
}

/**
 * Writes a neural CDE as an ONNX graph: scaling, control path and solver inside, `Scan` over knots, batch and
 * knots dynamic. Computes what `controlPath` and `cdeLogits` compute, followed by a softmax.
 *
 * @param metadata written to `metadata_props`
 * @returns the bytes of the file
 */
export function writeNeuralCdeGraph(
  architecture: CdeArchitecture,
  vector: ParameterVector,
  scaling: Scaling,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const channels = architecture.channels.length
  return writeModel({ name: 'neural-cde', ...regimeGraphSignature(channels), metadata }, (g) => {
    const names = constants(g, architecture, vector)
    const scaled = scaleFeatures(g, architecture, scaling)
    const observed = g.node('Cast', ['mask'], { to: 1 })
    const elapsed = hoursBetweenKnots(g, architecture)

    // Knot 0: X(0) = [0, observed levels, counts]; nothing has gone before, so levels start from 0.
    const knot0 = (name: string) =>
      g.node('Squeeze', [g.node('Slice', [name, g.ints(0), g.ints(1), g.ints(1)]), g.ints(1)])
    const path0 = g.node('Concat', [knot0(elapsed), knot0(scaled), ...counts(g, names, knot0(observed))], { axis: 1 })
    const state0 = dense(g, path0, names.parameters.initialWeight, names.parameters.initialBias)

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
      [path0, state0, later(scaled), later(observed), later(elapsed)],
      ['path_final', 'state_final'],
      { body: { graph: body }, num_scan_inputs: 3, scan_input_axes: [1, 1, 1] },
    )
    const upright = g.node('Concat', [state, path], { axis: 1 })
    const read = g.node('Concat', [upright, g.node('Mul', [upright, direction(g, architecture, path)])], { axis: 1 })
    const { readoutWeight, readoutBias, logitWeight, logitBias } = names.parameters
    const layer = g.node('Tanh', [dense(g, read, readoutWeight, readoutBias)])
    g.node('Softmax', [dense(g, layer, logitWeight, logitBias)], { axis: 1 }, 'probabilities')
  })
}

function constants(g: GraphBuilder, architecture: CdeArchitecture, vector: ParameterVector): Names {
  const { channels, counted } = architecture
  const parameters = {} as Record<ParameterName, string>
  for (const [name, { shape, values }] of Object.entries(splitParameters(architecture, vector))) {
    parameters[name as ParameterName] = g.constant(values, shape, 'float32', name)
  }
  const picked = new Float32Array(channels.length * counted.length)
  counted.forEach((channel, j) => {
    picked[channels.indexOf(channel) * counted.length + j] = countUnit(architecture)
  })
  const counting = counted.length && g.constant(picked, [channels.length, counted.length], 'float32', 'counting')
  const summed = channels.map((channel) => (channel === SUMMED_FEATURE ? 1 : 0))
  return {
    parameters,
    summed: g.constant(summed, [channels.length], 'float32', 'summed'),
    counting: counting || undefined,
  }
}

/** (features - median) / iqr, clipped, the summed channel in its unit; 0 where masked, whatever stands there (`NaN` included). */
function scaleFeatures(g: GraphBuilder, architecture: CdeArchitecture, scaling: Scaling): string {
  const { channels, clip } = architecture
  const median = g.constant(scaling.median, [channels.length], 'float32', 'median')
  const iqr = g.constant(scaling.iqr, [channels.length], 'float32', 'interquartile_range')
  const raw = g.node('Div', [g.node('Sub', ['features', median]), iqr])
  const clipped = g.node('Clip', [raw, g.scalar(-clip), g.scalar(clip)])
  const unit = architecture.channels.map((channel) => (channel === SUMMED_FEATURE ? summedUnit(architecture) : 1))
  const sized = g.node('Mul', [clipped, g.constant(unit, [unit.length], 'float32', 'unit')])
  return g.node('Where', [g.node('Cast', ['mask'], { to: 9 }), sized, g.scalar(0)])
}

/** Increments of the time channel, `[batch, knots, 1]`; 0 at the first knot. */
function hoursBetweenKnots(g: GraphBuilder, architecture: CdeArchitecture): string {
  const first = g.node('Slice', ['hours', g.ints(0), g.ints(1), g.ints(1)])
  const before = g.node('Slice', ['hours', g.ints(0), g.ints(-1), g.ints(1)])
  const shifted = g.node('Concat', [first, before], { axis: 1 })
  const unit = g.scalar(1 / windowHours(architecture))
  const elapsed = g.node('Mul', [g.node('Sub', ['hours', shifted]), unit])
  return g.node('Unsqueeze', [elapsed, g.ints(2)])
}

/** Increments of the observation counts; no input at all where no channel is counted. */
function counts(g: GraphBuilder, { counting }: Names, observed: string): string[] {
  return counting === undefined ? [] : [g.node('MatMul', [observed, counting])]
}

/** Sign of the direction channel at X(T), `[batch, 1]`. */
function direction(g: GraphBuilder, architecture: CdeArchitecture, path: string): string {
  const channel = directionChannel(architecture)
  if (channel < 0) return g.scalar(1)
  return g.node('Sign', [g.node('Slice', [path, g.ints(channel), g.ints(channel + 1), g.ints(1)])])
}

function dense(g: GraphBuilder, input: string, weight: string, bias: string): string {
  return g.node('Add', [g.node('MatMul', [input, weight]), bias])
}

/** The body of the `Scan`: (X, h, scaled, observed, elapsed) at one knot -> (X, h). */
function knotStep(g: GraphBuilder, architecture: CdeArchitecture, names: Names): object {
  const { channels, hidden, solver } = architecture
  const path = pathChannels(architecture)
  const value = (name: string, size: number): ValueInfo => ({ name, type: 'float32', dims: ['batch', size] })
  const inputs = [
    value('path', path),
    value('state', hidden),
    value('scaled_knot', channels.length),
    value('observed_knot', channels.length),
    value('elapsed_knot', 1),
  ]
  return g.subgraph('knot', inputs, [value('path_next', path), value('state_next', hidden)], (b) => {
    // A level moves from where it stood to what was observed; the running sum moves by what was observed.
    const stood = b.node('Slice', ['path', b.ints(1), b.ints(1 + channels.length), b.ints(1)])
    const levelsOnly = b.node('Sub', [stood, b.node('Mul', [stood, names.summed])])
    const moves = b.node('Mul', [b.node('Sub', ['scaled_knot', levelsOnly]), 'observed_knot'])
    const parts = ['elapsed_knot', moves, ...counts(b, names, 'observed_knot')]
    const increment = b.node('Concat', parts, { axis: 1 })
    b.node('Add', ['path', increment], {}, 'path_next')

    const rows = b.node('Unsqueeze', [increment, b.ints(1)])
    const { innerWeight, innerBias, outerWeight, outerBias } = names.parameters
    const fieldChange = (state: string) => {
      const inner = b.node('Tanh', [dense(b, state, innerWeight, innerBias)])
      const field = b.node('Tanh', [dense(b, inner, outerWeight, outerBias)])
      const matrix = b.node('Reshape', [field, b.ints(-1, path, hidden)])
      return b.node('Squeeze', [b.node('MatMul', [rows, matrix]), b.ints(1)])
    }
    const { a, b: weights } = SOLVERS[solver]
    const changes: string[] = []
    const plus = (sum: string, change: string, weight: number) =>
      weight === 0 ? sum : b.node('Add', [sum, weight === 1 ? change : b.node('Mul', [change, b.scalar(weight)])])
    for (const row of a) {
      const at = row.reduce((sum: string, weight, j) => plus(sum, changes[j], weight), 'state')
      changes.push(fieldChange(at))
    }
    const next = weights.reduce((sum: string, weight, i) => plus(sum, changes[i], weight), 'state')
    b.node('Identity', [next], {}, 'state_next')
  })
}
