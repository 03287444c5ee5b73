import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { InputError, ModelError } from '#data/errors.ts'
import { sliceWindows, type Windows } from '#data/windows.ts'
import { REGIMES, type RegimeModel } from '../regime.ts'
import { checkSignature, createSession, loadRuntime, messageOf, type RuntimeOptions } from './runtime.ts'

export interface SessionOptions extends RuntimeOptions {
  /** Windows that go through the graph at once: bounds the memory of a large request. */
  readonly largestBatch?: number
}

/** An opened ONNX regime graph. */
export interface OnnxSession {
  /** @returns `[count, 3]`, rows sum to 1 */
  run(windows: Windows): Promise<Float32Array>
  /** Frees the native memory; running afterwards throws. */
  dispose(): Promise<void>
}

const LARGEST_BATCH = 1024
/** Rows of float32 softmaxes sum to 1 within a few units in the last place. */
const SUM_TOLERANCE = 1e-4

/** What every regime graph takes and gives: number of dimensions by name. */
const INPUTS = { features: 3, hours: 2, mask: 3 }
const OUTPUTS = { probabilities: 2 }

/**
 * Opens a regime graph from the bytes of its `.onnx` file.
 *
 * @throws {ModelError} for bytes that are no ONNX model, or a graph whose inputs and outputs are not ours
 * @throws {FatalError} where the native runtime is missing
 */
export async function openOnnxSession(bytes: Uint8Array, options: SessionOptions = {}): Promise<OnnxSession> {
  const runtime = await loadRuntime()
  const session = await createSession(bytes, options)
  try {
    checkSignature(session, INPUTS, OUTPUTS)
  } catch (error) {
    await session.release()
    throw error
  }
  const channels = channelsOf(session)
  const largestBatch = options.largestBatch ?? LARGEST_BATCH
  const tensor = (data: Float32Array, dims: number[]): Tensor => new runtime.Tensor('float32', data, dims)
  let open = true

  const runBatch = async ({ count, knots, features, hours, mask }: Windows): Promise<Float32Array> => {
    let answer: InferenceSession.OnnxValueMapType
    try {
      answer = await session.run({
        features: tensor(features, [count, knots, channels]),
        hours: tensor(hours, [count, knots]),
        mask: tensor(mask, [count, knots, channels]),
      })
    } catch (cause) {
      throw new ModelError(`the ONNX model failed on ${count} windows: ${messageOf(cause)}`, { count, knots }, cause)
    }
    const probabilities = answer.probabilities.data as Float32Array
    checkProbabilities(probabilities, count)
    return probabilities
  }

  return {
    async run(windows) {
      if (!open) throw new ModelError('the ONNX session is closed')
      if (windows.channels.length !== channels || windows.knots < 1) {
        throw new InputError(
          `the ONNX model takes ${channels} channels and at least one knot, ` +
            `the windows have ${windows.channels.length} channels and ${windows.knots} knots`,
        )
      }
      const result = new Float32Array(windows.count * REGIMES.length)
      for (let start = 0; start < windows.count; start += largestBatch) {
        const batch = sliceWindows(windows, start, Math.min(start + largestBatch, windows.count))
        result.set(await runBatch(batch), start * REGIMES.length)
      }
      return result
    },
    async dispose() {
      if (!open) return
      open = false
      await session.release()
    },
  }
}

/** Number of channels that the graph declares. */
function channelsOf(session: InferenceSession): number {
  const features = session.inputMetadata.find(({ name }) => name === 'features')
  const channels = features?.isTensor ? features.shape[2] : undefined
  if (typeof channels === 'number' && channels > 0) return channels
  throw new ModelError('the ONNX model does not say how many channels it takes', { shape: channels })
}

/**
 * Checks rows of probabilities, `[count, 3]`.
 *
 * @throws {ModelError} where one is negative, not a number, or does not sum to 1
 */
export function checkProbabilities(probabilities: Float32Array, count: number): void {
  const regimes = REGIMES.length
  if (probabilities.length !== count * regimes) {
    throw new ModelError(`the ONNX model gave ${probabilities.length} numbers for ${count} windows`, { count })
  }
  for (let row = 0; row < count; row++) {
    let sum = 0
    for (let k = 0; k < regimes; k++) {
      const probability = probabilities[row * regimes + k]
      if (probability < 0)
        throw new ModelError(`the ONNX model gave window ${row} the probability ${probability}`, { row })
      sum += probability
    }
    // Negated, so that NaN fails too.
    if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
      throw new ModelError(`the ONNX model's probabilities of window ${row} sum to ${sum}`, { row, sum })
    }
  }
}

/** The part of a model card that a running model needs. */
export interface ModelIdentity {
  readonly kind: string
  readonly knots: number
  readonly channels: readonly string[]
}

/**
 * An opened graph as a regime model.
 *
 * @throws {InputError} on estimating windows with other channels than the card names
 */
export function asRegimeModel(session: OnnxSession, { kind, knots, channels }: ModelIdentity): RegimeModel {
  return {
    name: kind,
    knots,
    channels,
    async estimate(windows) {
      if (windows.channels.length !== channels.length || windows.channels.some((name, c) => name !== channels[c])) {
        throw new InputError(`the windows have channels ${windows.channels}, the model needs ${channels}`)
      }
      return session.run(windows)
    },
  }
}
