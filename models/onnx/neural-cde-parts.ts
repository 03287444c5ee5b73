import { SUMMED_FEATURE } from '#data/features.ts'
import { type Architecture, countUnit, directionChannel, drivers, summedUnit } from '../classifier/architecture.ts'
import { type ParameterVector, splitParameters } from '../classifier/parameters.ts'
import type { Scaling } from '../scaling.ts'
import { dense } from './dense.ts'
import { advanceState } from './vector-fields.ts'
import type { GraphBuilder } from './writer.ts'

/** Names of a neural CDE's constants in a graph. */
export interface CdeConstants {
  readonly parameters: Record<string, string>
  /** `[channels]`: 1 for the channel whose running sum is on the path, 0 for levels. */
  readonly summed: string
  /** `[channels, counted]`: picks the counted channels' masks and scales them to the number of knots; absent where none is counted. */
  readonly counting: string | undefined
}

/** Adds the weights and what the control path needs to know of the channels. */
export function cdeConstants(g: GraphBuilder, architecture: Architecture, vector: ParameterVector): CdeConstants {
  const { channels, counted } = architecture
  const parameters = {} as Record<string, string>
  for (const [name, { shape, values }] of Object.entries(splitParameters(architecture, vector))) {
    parameters[name] = g.constant(values, shape, 'float32', name)
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
export function scaleFeatures(g: GraphBuilder, architecture: Architecture, scaling: Scaling): string {
  const { channels, clip } = architecture
  const median = g.constant(scaling.median, [channels.length], 'float32', 'median')
  const iqr = g.constant(scaling.iqr, [channels.length], 'float32', 'interquartile_range')
  const raw = g.node('Div', [g.node('Sub', ['features', median]), iqr])
  const clipped = g.node('Clip', [raw, g.scalar(-clip), g.scalar(clip)])
  const unit = architecture.channels.map((channel) => (channel === SUMMED_FEATURE ? summedUnit(architecture) : 1))
  const sized = g.node('Mul', [clipped, g.constant(unit, [unit.length], 'float32', 'unit')])
  return g.node('Where', [g.node('Cast', ['mask'], { to: 9 }), sized, g.scalar(0)])
}

/** Increments of the observation counts; no input at all where no channel is counted. */
export function counts(g: GraphBuilder, { counting }: CdeConstants, observed: string): string[] {
  return counting === undefined ? [] : [g.node('MatMul', [observed, counting])]
}

/** What of the feature channels drives the path: all but the context, which are the last, `[.., drivers]`. */
export function driving(g: GraphBuilder, architecture: Architecture, features: string): string {
  if (architecture.context.length === 0) return features
  return g.node('Slice', [features, g.ints(0), g.ints(drivers(architecture)), g.ints(-1)])
}

/** Sign of the direction channel at X(T), `[batch, 1]`. */
function direction(g: GraphBuilder, architecture: Architecture, path: string): string {
  const channel = directionChannel(architecture)
  if (channel < 0) return g.scalar(1)
  return g.node('Sign', [g.node('Slice', [path, g.ints(channel), g.ints(channel + 1), g.ints(1)])])
}

/**
 * One knot of the solver: where the control path stands after it, and the hidden state.
 *
 * @param path X before, `[batch, P]`
 * @param state h before, `[batch, H]`
 * @param scaled features of the knot, `[batch, channels]`, 0 where masked
 * @param observed the knot's mask as float, `[batch, channels]`
 * @param elapsed time since the knot before, in windows, `[batch, 1]`
 */
export function advanceKnot(
  g: GraphBuilder,
  architecture: Architecture,
  names: CdeConstants,
  knot: { path: string; state: string; scaled: string; observed: string; elapsed: string },
): { path: string; state: string } {
  const { channels } = architecture
  // A level moves from where it stood to what was observed; the running sum moves by what was observed.
  const stood = g.node('Slice', [knot.path, g.ints(1), g.ints(1 + channels.length), g.ints(1)])
  const levelsOnly = g.node('Sub', [stood, g.node('Mul', [stood, names.summed])])
  const moves = g.node('Mul', [g.node('Sub', [knot.scaled, levelsOnly]), knot.observed])
  const counted = counts(g, names, knot.observed)
  const move = g.node('Concat', [knot.elapsed, moves, ...counted], { axis: 1 })
  const increment =
    architecture.context.length === 0
      ? move
      : g.node('Concat', [knot.elapsed, driving(g, architecture, moves), ...counted], { axis: 1 })
  const state = advanceState(g, architecture, names.parameters, { state: knot.state, increment })
  return { path: g.node('Add', [knot.path, move]), state }
}

/** X(0) = [0, observed levels, counts] and h(0): nothing has gone before, so levels start from 0. */
export function startAtKnot(
  g: GraphBuilder,
  architecture: Architecture,
  names: CdeConstants,
  knot: { scaled: string; observed: string; elapsed: string },
): { path: string; state: string } {
  const counted = counts(g, names, knot.observed)
  const path = g.node('Concat', [knot.elapsed, knot.scaled, ...counted], { axis: 1 })
  const drivenBy =
    architecture.context.length === 0
      ? path
      : g.node('Concat', [knot.elapsed, driving(g, architecture, knot.scaled), ...counted], { axis: 1 })
  return { path, state: dense(g, drivenBy, names.parameters.initialWeight, names.parameters.initialBias) }
}

/** Reads h(T) and X(T) out as regime probabilities, the node named `probabilities`. */
export function readOut(
  g: GraphBuilder,
  architecture: Architecture,
  names: CdeConstants,
  { path, state }: { path: string; state: string },
): void {
  const upright = g.node('Concat', [state, path], { axis: 1 })
  const read = g.node('Concat', [upright, g.node('Mul', [upright, direction(g, architecture, path)])], { axis: 1 })
  const { readoutWeight, readoutBias, logitWeight, logitBias } = names.parameters
  const layer = g.node('Tanh', [dense(g, read, readoutWeight, readoutBias)])
  g.node('Softmax', [dense(g, layer, logitWeight, logitBias)], { axis: 1 }, 'probabilities')
}
