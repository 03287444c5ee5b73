import type { Architecture } from './architecture.ts'
import { lossAndGradient, regimeProbabilities, type Targets } from './classifier.ts'
import type { ControlPath } from './control-path.ts'
import type { ParameterVector } from './parameters.ts'

/** What computes a classifier of one architecture, for as long as it is open. */
export interface Engine {
  /**
   * Weighted cross-entropy of a batch and its gradient.
   *
   * @returns the loss and the gradient, laid out like the parameter vector
   */
  lossAndGradient(
    vector: ParameterVector,
    path: ControlPath,
    targets: Targets,
  ): Promise<{ loss: number; gradient: Float32Array }>
  /** Regime probabilities of a batch of control paths, `[count, 3]`. */
  regimeProbabilities(vector: ParameterVector, path: ControlPath): Promise<Float32Array>
  /** Frees what it holds; computing is over. */
  close(): Promise<void>
}

/** TensorFlow.js's backend in force. */
export function tensorflowEngine(architecture: Architecture): Engine {
  return {
    lossAndGradient: (vector, path, targets) => lossAndGradient(architecture, vector, path, targets),
    regimeProbabilities: (vector, path) => regimeProbabilities(architecture, vector, path),
    close: async () => {},
  }
}
