import { UnavailableError } from '#data/errors.ts'
import { type Backend, type BackendName, selectBackend } from './backend.ts'
import type { Architecture } from './classifier/architecture.ts'
import { type Engine, tensorflowEngine } from './classifier/engine.ts'
import { GRAPH_TRAINED } from './onnx/training-graph.ts'
import { openTrainingSession } from './onnx/training-session.ts'

/**
 * What computes an architecture on a training backend, which must be in force.
 *
 * @throws {InputError} for an encoder that the backend does not compute
 * @throws {FatalError} where a native library is missing
 */
export async function openEngine(backend: BackendName, architecture: Architecture): Promise<Engine> {
  return backend === 'onnxruntime' ? openTrainingSession(architecture) : tensorflowEngine(architecture)
}

/**
 * Starts the backend that an architecture is trained on. `auto` takes what TensorFlow.js finds; where that is the processor
 * (wasm) and onnxruntime knows the encoder's backward pass, onnxruntime, which is several times as fast there.
 *
 * @throws {UnavailableError} see `selectBackend`
 */
export async function selectTrainingBackend(
  wanted: BackendName | 'auto',
  { encoder }: Pick<Architecture, 'encoder'>,
): Promise<Backend> {
  const found = await selectBackend(wanted)
  if (wanted !== 'auto' || found.name !== 'wasm' || !GRAPH_TRAINED.includes(encoder)) return found
  try {
    const { name, reason } = await selectBackend('onnxruntime')
    return { name, reason: `${found.reason}; ${reason}, and is several times as fast` }
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    return { ...found, reason: `${found.reason}; ${error.message}` }
  }
}
