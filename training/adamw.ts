/** Settings of AdamW (Loshchilov and Hutter 2019, algorithm 2) with clipping of the gradient's norm. */
export interface AdamWOptions {
  readonly learningRate: number
  readonly weightDecay: number
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  /** Largest Euclidean norm of a gradient; longer ones are scaled down. */
  readonly clipNorm: number
}

/** What AdamW remembers of the gradients of a parameter vector: plain data, to be kept and gone on with. */
export interface Moments {
  /** Steps taken. */
  steps: number
  /** Running mean of the gradient, and of its square. */
  readonly first: Float64Array
  readonly second: Float64Array
}

/** AdamW for one parameter vector. */
export interface AdamW {
  /** Updates `parameters` in place. @returns the gradient's norm before clipping */
  step(parameters: Float32Array, gradient: Float32Array, learningRate?: number): number
}

/** The moments of a vector of `length` parameters before the first step. */
export function noMoments(length: number): Moments {
  return { steps: 0, first: new Float64Array(length), second: new Float64Array(length) }
}

/**
 * An optimiser for a vector of `length` parameters.
 *
 * @param moments where it goes on from, kept up to date in place
 */
export function createAdamW(length: number, options: AdamWOptions, moments: Moments = noMoments(length)): AdamW {
  const { weightDecay, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, clipNorm } = options
  const { first, second } = moments
  return {
    step(parameters, gradient, learningRate = options.learningRate) {
      let squares = 0
      for (let i = 0; i < length; i++) squares += gradient[i] * gradient[i]
      const norm = Math.sqrt(squares)
      const scale = norm > clipNorm ? clipNorm / norm : 1
      moments.steps++
      const correction1 = 1 - beta1 ** moments.steps
      const correction2 = 1 - beta2 ** moments.steps
      for (let i = 0; i < length; i++) {
        const g = gradient[i] * scale
        first[i] = beta1 * first[i] + (1 - beta1) * g
        second[i] = beta2 * second[i] + (1 - beta2) * g * g
        const update = first[i] / correction1 / (Math.sqrt(second[i] / correction2) + epsilon)
        parameters[i] -= learningRate * (update + weightDecay * parameters[i])
      }
      return norm
    },
  }
}
