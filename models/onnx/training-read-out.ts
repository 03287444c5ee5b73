import { type Architecture, directionChannel, pathChannels } from '../classifier/architecture.ts'
import { dense } from './dense.ts'
import { columnSums, throughTanh } from './training-pullback.ts'
import type { ParameterNames } from './training-solve.ts'
import type { GraphBuilder } from './writer.ts'

/** Names of what the read-out leaves behind for its pullback; `direction` is a scalar 1 where the model has none. */
interface ReadOutNames {
  readonly logits: string
  readonly direction: string
  readonly input: string
  readonly layer: string
}

/**
 * The read-out layer, as `models/classifier/read-out.ts` computes it.
 *
 * @param state h(T), `[B, H]`
 * @param final X(T), `[B, P]`
 */
export function readOutLayer(
  g: GraphBuilder,
  architecture: Architecture,
  parameters: ParameterNames,
  { state, final }: { state: string; final: string },
): ReadOutNames {
  const channel = directionChannel(architecture)
  const cut = () => g.node('Slice', [final, g.ints(channel), g.ints(channel + 1), g.ints(1)])
  const direction = channel < 0 ? g.scalar(1) : g.node('Sign', [cut()])
  const upright = g.node('Concat', [state, final], { axis: 1 })
  const input = g.node('Concat', [upright, g.node('Mul', [upright, direction])], { axis: 1 })
  const layer = g.node('Tanh', [dense(g, input, parameters.readoutWeight, parameters.readoutBias)])
  return { logits: dense(g, layer, parameters.logitWeight, parameters.logitBias), direction, input, layer }
}

/**
 * Weighted cross-entropy of a batch and its gradient at the logits.
 *
 * @param targets probabilities wanted, `[B, 3]`, and weights of the samples, `[B, 1]`
 * @returns loss, `[1, 1]`, and cotangent, `[B, 3]`
 */
export function crossEntropy(
  g: GraphBuilder,
  logits: string,
  { wanted, weights }: { wanted: string; weights: string },
): { loss: string; cotangent: string } {
  const logProbabilities = g.node('LogSoftmax', [logits], { axis: 1 })
  const shares = g.node('Mul', [g.node('Mul', [wanted, weights]), logProbabilities])
  const cotangent = g.node('Mul', [g.node('Sub', [g.node('Exp', [logProbabilities]), wanted]), weights])
  return { loss: g.node('Neg', [g.node('ReduceSum', [shares])]), cotangent }
}

/**
 * Pulls the gradient at the logits back to h(T) and to the read-out's parameters.
 *
 * @param cotangent `[B, 3]`
 * @returns gradient at h(T), `[B, H]`, and those of the parameters, biases as `[1, ...]`
 */
export function pullbackReadOutLayer(
  g: GraphBuilder,
  architecture: Architecture,
  parameters: ParameterNames,
  { direction, input, layer }: ReadOutNames,
  cotangent: string,
): { state: string; gradients: Record<string, string> } {
  const { hidden } = architecture
  const atLayer = throughTanh(g, g.node('Gemm', [cotangent, parameters.logitWeight], { transB: 1 }), layer)
  const atInput = g.node('Gemm', [atLayer, parameters.readoutWeight], { transB: 1 })
  const cut = (from: number) => g.node('Slice', [atInput, g.ints(from), g.ints(from + hidden), g.ints(1)])
  const turned = g.node('Mul', [cut(hidden + pathChannels(architecture)), direction])
  return {
    state: g.node('Add', [cut(0), turned]),
    gradients: {
      readoutWeight: g.node('Gemm', [input, atLayer], { transA: 1 }),
      readoutBias: columnSums(g, atLayer),
      logitWeight: g.node('Gemm', [layer, cotangent], { transA: 1 }),
      logitBias: columnSums(g, cotangent),
    },
  }
}
