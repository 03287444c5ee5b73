import { setImmediate } from 'node:timers/promises'
import { BackendError, MillraceError } from '#data/errors.ts'
import { backendFault } from '#models/backend.ts'
import { type Engine, tensorflowEngine } from '#models/classifier/engine.ts'
import type { ParameterVector } from '#models/classifier/parameters.ts'
import { REGIMES } from '#models/regime.ts'
import { type Batch, forwardShards, type ShardData, shardGradient, shardProbabilities } from './shards.ts'

/** Where losses and gradients come from: this process or several threads. */
export interface Gradients {
  /** Threads that compute; 1 is this process. */
  readonly threads: number
  /**
   * Loss of a batch and its gradient, laid out like the parameters.
   *
   * @throws {BackendError} where the backend or a thread fails
   */
  batch(parameters: ParameterVector, batch: Batch): Promise<{ loss: number; gradient: Float32Array }>
  /**
   * Regime probabilities of the validation fold, `[windows, 3]`.
   *
   * @throws {BackendError} where the backend or a thread fails
   */
  validation(parameters: ParameterVector): Promise<Float32Array>
  /** Frees what it holds; computing is over. */
  close(): Promise<void>
}

/**
 * Losses and gradients in this process, each batch in one piece.
 *
 * @param engine what computes them, closed with the rest; TensorFlow.js's backend in force unless given
 */
export function gradientsHere(
  data: ShardData,
  signal?: AbortSignal,
  engine: Engine = tensorflowEngine(data.architecture),
): Gradients {
  return {
    threads: 1,
    batch: (parameters, batch) =>
      attempt(() => shardGradient(engine, data, parameters, batch, { from: 0, to: batch.indices.length })),
    async validation(parameters) {
      const answers = new Float32Array(data.validation.length * REGIMES.length)
      for (const shard of forwardShards(data.validation.length)) {
        signal?.throwIfAborted()
        answers.set(
          await attempt(() => shardProbabilities(engine, data, parameters, shard)),
          shard.from * REGIMES.length,
        )
      }
      return answers
    },
    close: () => engine.close(),
  }
}

/**
 * Whatever a backend throws becomes a {@link BackendError}, and so does what it only reports; what we threw ourselves stays what
 * it is.
 */
async function attempt<T>(compute: () => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await compute()
  } catch (error) {
    if (error instanceof MillraceError) throw error
    // A lost device says why a moment after its calls have failed.
    await setImmediate()
    throw new BackendError(`the training backend failed: ${backendFault() ?? wordsOf(error)}`, {}, error)
  }
  const fault = backendFault()
  if (fault !== undefined) throw new BackendError(`the training backend failed: ${fault}`)
  return result
}

/** What an error says, in one line; some (DOMException) only have a name. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return (error.message || error.name).split('\n')[0]
}
