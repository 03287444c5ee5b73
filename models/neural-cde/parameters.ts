import type { Random } from '#data/random.ts'
import { REGIMES } from '../regime.ts'
import { type CdeArchitecture, pathChannels } from './configuration.ts'

/** Names of the parameter tensors, in the order in which they stand in the flat vector. */
export const PARAMETERS = [
  'initialWeight',
  'initialBias',
  'innerWeight',
  'innerBias',
  'outerWeight',
  'outerBias',
  'readoutWeight',
  'readoutBias',
  'logitWeight',
  'logitBias',
] as const
export type ParameterName = (typeof PARAMETERS)[number]

/** Shape of each parameter; `P` path channels, `H` hidden, `W` width, `R` read-out. */
export function parameterShapes(architecture: CdeArchitecture): Record<ParameterName, number[]> {
  const { hidden, width, readout } = architecture
  const path = pathChannels(architecture)
  return {
    // h(0) = X(0) W + b
    initialWeight: [path, hidden],
    initialBias: [hidden],
    // f(h) = tanh(tanh(h W1 + b1) W2 + b2), read as a [P, H] matrix
    innerWeight: [hidden, width],
    innerBias: [width],
    outerWeight: [width, path * hidden],
    outerBias: [path * hidden],
    // logits = tanh([h(T), X(T), s h(T), s X(T)] W3 + b3) W4 + b4, s the direction of the last half day
    readoutWeight: [2 * (hidden + path), readout],
    readoutBias: [readout],
    logitWeight: [readout, REGIMES.length],
    logitBias: [REGIMES.length],
  }
}

/** All parameters in one vector, so that an optimiser, a snapshot or an average is a loop over numbers. */
export type ParameterVector = Float32Array

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1)

/** Views of `vector`, one per parameter. */
export function splitParameters(architecture: CdeArchitecture, vector: ParameterVector) {
  const shapes = parameterShapes(architecture)
  const views = {} as Record<ParameterName, { shape: number[]; values: Float32Array }>
  let offset = 0
  for (const name of PARAMETERS) {
    const size = sizeOf(shapes[name])
    views[name] = { shape: shapes[name], values: vector.subarray(offset, offset + size) }
    offset += size
  }
  return views
}

/** Length of the parameter vector. */
export function parameterCount(architecture: CdeArchitecture): number {
  return Object.values(parameterShapes(architecture)).reduce((sum, shape) => sum + sizeOf(shape), 0)
}

/** Weights normal with variance 1 / fan-in (LeCun), the field's outer layer smaller so that h starts calm; biases zero. */
export function initialiseParameters(architecture: CdeArchitecture, random: Random): ParameterVector {
  const vector = new Float32Array(parameterCount(architecture))
  for (const [name, { shape, values }] of Object.entries(splitParameters(architecture, vector))) {
    if (shape.length === 1) continue
    const deviation = (name === 'outerWeight' ? 0.1 : 1) / Math.sqrt(shape[0])
    for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal()
  }
  return vector
}
