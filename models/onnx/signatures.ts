import { REGIMES } from '../regime.ts'
import type { ValueInfo } from './writer.ts'

/** Inputs and outputs of a graph. */
export interface Signature {
  readonly inputs: ValueInfo[]
  readonly outputs: ValueInfo[]
}

/** What every regime graph takes and gives: raw windows in, probabilities out. */
export function regimeGraphSignature(channels: number): Signature {
  return {
    inputs: [
      { name: 'features', type: 'float32', dims: ['batch', 'knots', channels] },
      { name: 'hours', type: 'float32', dims: ['batch', 'knots'] },
      { name: 'mask', type: 'float32', dims: ['batch', 'knots', channels] },
    ],
    outputs: [{ name: 'probabilities', type: 'float32', dims: ['batch', REGIMES.length] }],
  }
}

/**
 * What every streaming step takes and gives: the state after the knot before, one knot, and whether it is the first of
 * its stream (then the state is not looked at); the state after it, and probabilities.
 */
export function stepGraphSignature(channels: number, stateSize: number): Signature {
  return {
    inputs: [
      { name: 'state', type: 'float32', dims: ['batch', stateSize] },
      { name: 'features', type: 'float32', dims: ['batch', channels] },
      { name: 'elapsed', type: 'float32', dims: ['batch'] },
      { name: 'mask', type: 'float32', dims: ['batch', channels] },
      { name: 'first', type: 'float32', dims: ['batch'] },
    ],
    outputs: [
      { name: 'state_next', type: 'float32', dims: ['batch', stateSize] },
      { name: 'probabilities', type: 'float32', dims: ['batch', REGIMES.length] },
    ],
  }
}
