import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { BackendError } from '#data/errors.ts'
import type { Architecture } from '../classifier/architecture.ts'
import type { ControlPath } from '../classifier/control-path.ts'
import type { Engine } from '../classifier/engine.ts'
import { type ParameterVector, splitParameters } from '../classifier/parameters.ts'
import { REGIMES } from '../regime.ts'
import { createSession, loadRuntime, messageOf } from './runtime.ts'
import { gradientName, writeTrainingGraph, writeValidationGraph } from './training-graph.ts'

/**
 * Opens the graphs that a plain neural CDE is trained by, on one thread of onnxruntime's CPU kernels: several threads
 * share a batch better than they share a kernel (`training/parallel/`).
 *
 * @throws {InputError} for an encoder that has no such graph
 * @throws {FatalError} where the native runtime is missing
 */
export async function openTrainingSession(architecture: Architecture): Promise<Engine> {
  const graphs = [writeTrainingGraph(architecture), writeValidationGraph(architecture)]
  const { Tensor } = await loadRuntime()
  const sessions: InferenceSession[] = []
  let open = true
  const close = async () => {
    open = false
    await Promise.all(sessions.splice(0).map((session) => session.release()))
  }
  try {
    for (const graph of graphs) sessions.push(await createSession(graph, { threads: 1 }))
  } catch (error) {
    await close()
    throw error
  }
  const [training, validation] = sessions

  const tensor = (values: Float32Array, dims: readonly number[]): Tensor => new Tensor('float32', values, dims)
  const inputsOf = (vector: ParameterVector, path: ControlPath) => {
    const inputs: Record<string, Tensor> = {}
    for (const [name, { shape, values }] of Object.entries(splitParameters(architecture, vector))) {
      inputs[name] = tensor(values, shape)
    }
    const { count, channels, initial, final } = path
    // onnxruntime dies of a Scan over nothing; a step in which nothing moves changes neither the state nor a gradient.
    const increments = path.steps === 0 ? new Float32Array(count * channels) : path.increments
    inputs.initial = tensor(initial, [count, channels])
    inputs.increments = tensor(increments, [Math.max(1, path.steps), count, channels])
    inputs.final = tensor(final, [count, final.length / count])
    return inputs
  }
  const run = async (session: InferenceSession, inputs: Record<string, Tensor>, count: number) => {
    if (!open) throw new BackendError('the training session of onnxruntime is closed')
    try {
      return await session.run(inputs)
    } catch (cause) {
      throw new BackendError(`onnxruntime failed on ${count} windows: ${messageOf(cause)}`, { count }, cause)
    }
  }

  return {
    async lossAndGradient(vector, path, { probabilities, weights, dropout }) {
      const { count } = path
      const { hidden } = architecture
      const answer = await run(
        training,
        {
          ...inputsOf(vector, path),
          wanted: tensor(probabilities, [count, REGIMES.length]),
          weights: tensor(weights, [count, 1]),
          dropout: dropout ? tensor(dropout, [count, hidden]) : tensor(new Float32Array(hidden).fill(1), [1, hidden]),
        },
        count,
      )
      const gradient = new Float32Array(vector.length)
      for (const [name, { values }] of Object.entries(splitParameters(architecture, gradient))) {
        values.set(answer[gradientName(name)].data as Float32Array)
      }
      return { loss: (answer.loss.data as Float32Array)[0], gradient }
    },
    async regimeProbabilities(vector, path) {
      const { probabilities } = await run(validation, inputsOf(vector, path), path.count)
      return probabilities.data as Float32Array
    },
    close,
  }
}
