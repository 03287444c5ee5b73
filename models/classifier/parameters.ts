import type { Random } from '#data/random.ts'
import { REGIMES } from '../regime.ts'
import { type Architecture, pathChannels } from './architecture.ts'
import { encoders } from './encoders.ts'

/** All parameters in one vector, so that an optimiser, a snapshot or an average is a loop over numbers. */
export type ParameterVector = Float32Array

/** Shape of each parameter in the order of the vector: the encoder's, then those of the read-out. */
export function parameterShapes(architecture: Architecture): Record<string, readonly number[]> {
  const { hidden, readout } = architecture
  return {
    ...encoders[architecture.encoder].shapes(architecture),
    // logits = tanh([h(T), X(T), s h(T), s X(T)] W3 + b3) W4 + b4, s the direction of the last half day
    readoutWeight: [2 * (hidden + pathChannels(architecture)), readout],
    readoutBias: [readout],
    logitWeight: [readout, REGIMES.length],
    logitBias: [REGIMES.length],
  }
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1)

/** Views of `vector`, one per parameter. */
export function splitParameters(architecture: Architecture, vector: ParameterVector) {
  const views: Record<string, { shape: number[]; values: Float32Array }> = {}
  let offset = 0
  for (const [name, shape] of Object.entries(parameterShapes(architecture))) {
    const size = sizeOf(shape)
    views[name] = { shape: [...shape], values: vector.subarray(offset, offset + size) }
    offset += size
  }
  return views
}

/** Length of the parameter vector. */
export function parameterCount(architecture: Architecture): number {
  return Object.values(parameterShapes(architecture)).reduce((sum, shape) => sum + sizeOf(shape), 0)
}

/** Weights normal with variance 1 / fan-in (LeCun), some of the encoder's smaller so that h starts calm; biases zero. */
export function initialiseParameters(architecture: Architecture, random: Random): ParameterVector {
  const vector = new Float32Array(parameterCount(architecture))
  const { initialScale } = encoders[architecture.encoder]
  for (const [name, { shape, values }] of Object.entries(splitParameters(architecture, vector))) {
    if (shape.length === 1) continue
    const deviation = (initialScale?.(name) ?? 1) / Math.sqrt(shape[0])
    for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal()
  }
  return vector
}
