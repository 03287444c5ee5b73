import { InputError } from '#data/errors.ts'
import { SUMMED_FEATURE } from '#data/features.ts'
import { sha256 } from '../card.ts'
import {
  type Architecture,
  countUnit,
  directionChannel,
  drivers,
  pathChannels,
  summedUnit,
  windowHours,
} from '../classifier/architecture.ts'
import { type ParameterVector, parameterCount, splitParameters } from '../classifier/parameters.ts'
import { REGIMES } from '../regime.ts'
import type { Scaling } from '../scaling.ts'
import { restoreSnapshot, type StreamModel, takeSnapshot } from '../stream-snapshot.ts'
import { STATE_LIMIT } from './blocks.ts'

/** One observation of a stream, unscaled. */
export interface StreamKnot {
  /** `[channels]`; what stands where the mask is 0 is not looked at. */
  readonly features: ArrayLike<number>
  /** `[channels]`: 1 observed, 0 missing. */
  readonly mask: ArrayLike<number>
  /** Hours since the knot before; not looked at for the first. */
  readonly elapsed: number
}

export interface StreamStep {
  /** [X, h], `[stateSize]`: all that the stream needs to go on. */
  readonly state: Float32Array
  /** `[3]` */
  readonly probabilities: Float32Array
}

/** A linear neural CDE that takes one knot after the other: the cost of a knot does not depend on how many went before. */
export interface LinearCdeStream {
  readonly stateSize: number
  /** The stream after a further knot; `state` is left alone, and undefined for the first. */
  step(state: Float32Array | undefined, knot: StreamKnot): StreamStep
  /** States, `[streams, stateSize]`, as JSON. @throws {ModelError} for what is no state */
  snapshot(state: Float32Array): Uint8Array
  /** What was kept by {@link snapshot}. @throws {ModelError} for a broken snapshot, or another model's */
  restore(bytes: Uint8Array): Float32Array
}

/**
 * The streaming step of a linear neural CDE in plain TypeScript: no tensors, no native runtime. Steps over the knots of
 * a window give what the classifier says of the window; a stream that goes on remembers more than a window does.
 *
 * @throws {InputError} where the parameters or the scaling are not those of such a model
 */
export function createLinearCdeStream(
  architecture: Architecture,
  vector: ParameterVector,
  scaling: Scaling,
): LinearCdeStream {
  const { hidden } = architecture
  if (architecture.encoder !== 'linear' || vector.length !== parameterCount(architecture)) {
    const message = `a stream of a linear neural CDE cannot be made of ${vector.length} parameters of the encoder "${architecture.encoder}"`
    throw new InputError(message)
  }
  if (scaling.channels.join() !== architecture.channels.join()) {
    throw new InputError(`the scaling has channels ${scaling.channels}, the model needs ${architecture.channels}`)
  }
  const parameters = Object.fromEntries(
    Object.entries(splitParameters(architecture, vector.slice())).map(([name, { values }]) => [name, values]),
  )
  const width = pathChannels(architecture)
  const stateSize = width + hidden
  const weights = sha256(new Uint8Array(vector.slice().buffer))
  const model: StreamModel = { digest: sha256(JSON.stringify([architecture, scaling, weights])), stateSize }
  return {
    stateSize,
    step(before, knot) {
      if (before && before.length !== stateSize) {
        throw new InputError(`the state has ${before.length} numbers, this model's has ${stateSize}`)
      }
      const move = pathMove(architecture, scaling, before, knot)
      const state = new Float32Array(stateSize)
      for (let p = 0; p < width; p++) state[p] = (before ? before[p] : 0) + move[p]
      const increment = drivingMove(architecture, move)
      if (before) advance(architecture, parameters, before.subarray(width), increment, state.subarray(width))
      else affine(increment, parameters.initialWeight, parameters.initialBias, state.subarray(width))
      return { state, probabilities: readOut(architecture, parameters, state) }
    },
    snapshot: (state) => takeSnapshot(model, state),
    restore: (bytes) => restoreSnapshot(model, bytes),
  }
}

/** How the control path moves to a knot, `[P]`, from nothing for the first: what `controlPath` does for a window. */
function pathMove(
  architecture: Architecture,
  scaling: Scaling,
  before: Float32Array | undefined,
  { features, mask, elapsed }: StreamKnot,
): Float64Array {
  const { channels, counted, clip } = architecture
  const move = new Float64Array(pathChannels(architecture))
  if (before) move[0] = elapsed / windowHours(architecture)
  for (let c = 0; c < channels.length; c++) {
    if (mask[c] === 0) continue
    const value = Math.max(-clip, Math.min(clip, (features[c] - scaling.median[c]) / scaling.iqr[c]))
    const summed = channels[c] === SUMMED_FEATURE
    move[1 + c] = summed ? value * summedUnit(architecture) : value - (before ? before[1 + c] : 0)
    const count = counted.indexOf(channels[c])
    if (count >= 0) move[1 + channels.length + count] = countUnit(architecture)
  }
  return move
}

/** What of such a move drives the state: all but the context, `[D]`. */
function drivingMove(architecture: Architecture, move: Float64Array): Float64Array {
  const { context, channels } = architecture
  return context.length === 0
    ? move
    : Float64Array.of(...move.subarray(0, 1 + drivers(architecture)), ...move.subarray(1 + channels.length))
}

type Weights = Readonly<Record<string, Float32Array>>

/** h + A(dX) h + b(dX) from `before` into `after`, both `[H]`. */
function advance(
  { hidden, block }: Architecture,
  { transitionWeight, driftWeight }: Weights,
  before: Float32Array,
  move: Float64Array,
  after: Float32Array,
): void {
  for (let unit = 0; unit < hidden; unit++) {
    const start = unit - (unit % block)
    let value = before[unit]
    for (let p = 0; p < move.length; p++) {
      let slope = driftWeight[p * hidden + unit]
      const row = (p * hidden + unit) * block
      for (let other = 0; other < block; other++) slope += transitionWeight[row + other] * before[start + other]
      value += move[p] * slope
    }
    after[unit] = Math.max(-STATE_LIMIT, Math.min(STATE_LIMIT, value))
  }
}

/** x W + b into `output`. */
function affine(x: ArrayLike<number>, weight: Float32Array, bias: Float32Array, output: Float32Array | Float64Array) {
  const width = bias.length
  for (let j = 0; j < width; j++) {
    let sum = bias[j]
    for (let i = 0; i < x.length; i++) sum += x[i] * weight[i * width + j]
    output[j] = sum
  }
}

/** Regime probabilities, `[3]`, at the state [X, h]: what `readOut` of the classifier does for a batch. */
function readOut(architecture: Architecture, weights: Weights, state: Float32Array): Float32Array {
  const { hidden, readout } = architecture
  const width = state.length - hidden
  const channel = directionChannel(architecture)
  const direction = channel < 0 ? 1 : Math.sign(state[channel])
  const input = new Float64Array(2 * state.length)
  input.set(state.subarray(width))
  input.set(state.subarray(0, width), hidden)
  for (let i = 0; i < state.length; i++) input[state.length + i] = input[i] * direction
  const layer = new Float64Array(readout)
  affine(input, weights.readoutWeight, weights.readoutBias, layer)
  const logits = new Float64Array(REGIMES.length)
  affine(layer.map(Math.tanh), weights.logitWeight, weights.logitBias, logits)
  const largest = Math.max(...logits)
  const shares = logits.map((logit) => Math.exp(logit - largest))
  const total = shares.reduce((sum, share) => sum + share, 0)
  return Float32Array.from(shares, (share) => share / total)
}
