import type { BackendName } from './backend.ts'
import type { Architecture } from './classifier/architecture.ts'
import { type Engine, tensorflowEngine } from './classifier/engine.ts'
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
