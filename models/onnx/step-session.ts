import type { InferenceSession } from 'onnxruntime-node'
import { ModelError } from '#data/errors.ts'
import type { Windows } from '#data/windows.ts'
import { sha256 } from '../card.ts'
import { restoreSnapshot, takeSnapshot } from '../stream-snapshot.ts'
import { checkSignature, createSession, loadRuntime, messageOf, type RuntimeOptions } from './runtime.ts'
import { checkProbabilities } from './session.ts'

/** The newest knot of each of `count` streams, unscaled. */
export interface KnotBatch {
  readonly count: number
  /** `[count, channels]`; whatever stands where the mask is 0 is not looked at. */
  readonly features: Float32Array
  /** `[count, channels]`: 1 observed, 0 missing. */
  readonly mask: Float32Array
  /** `[count]`: hours since the stream's knot before. */
  readonly elapsed: Float32Array
  /** `[count]`: 1 for the first knot of a stream, else 0. */
  readonly first: Float32Array
  /** `[count, stateSize]` from the step before; not looked at where `first` is 1. */
  readonly state: Float32Array
}

/** What a step leaves: plain numbers, so that a stream can be stored and taken up again. */
export interface StepResult {
  /** `[count, stateSize]` */
  readonly state: Float32Array
  /** `[count, 3]` */
  readonly probabilities: Float32Array
}

/** An opened streaming graph: one knot costs the same however long the stream is. */
export interface StepSession {
  readonly channels: number
  readonly stateSize: number
  step(knots: KnotBatch): Promise<StepResult>
  /** States, `[count, stateSize]`, as JSON. @throws {ModelError} for what is no state */
  snapshot(state: Float32Array): Uint8Array
  /** What was kept by {@link snapshot}. @throws {ModelError} for a broken snapshot, or another model's */
  restore(bytes: Uint8Array): Float32Array
  /** Frees the native memory. */
  dispose(): Promise<void>
}

const INPUTS = { state: 2, features: 2, elapsed: 1, mask: 2, first: 1 }
const OUTPUTS = { state_next: 2, probabilities: 2 }

/**
 * Opens a streaming graph from the bytes of its `.onnx` file.
 *
 * @throws {ModelError} for bytes that are no ONNX model, or no streaming step of ours
 * @throws {FatalError} where the native runtime is missing
 */
export async function openStepSession(bytes: Uint8Array, options: RuntimeOptions = {}): Promise<StepSession> {
  const { Tensor } = await loadRuntime()
  const session = await createSession(bytes, options)
  let channels: number
  let stateSize: number
  try {
    checkSignature(session, INPUTS, OUTPUTS)
    channels = widthOf(session, 'features')
    stateSize = widthOf(session, 'state')
  } catch (error) {
    await session.release()
    throw error
  }
  const model = { digest: sha256(bytes), stateSize }
  return {
    channels,
    stateSize,
    async step({ count, features, mask, elapsed, first, state }) {
      let answer: InferenceSession.OnnxValueMapType
      try {
        answer = await session.run({
          state: new Tensor('float32', state, [count, stateSize]),
          features: new Tensor('float32', features, [count, channels]),
          elapsed: new Tensor('float32', elapsed, [count]),
          mask: new Tensor('float32', mask, [count, channels]),
          first: new Tensor('float32', first, [count]),
        })
      } catch (cause) {
        throw new ModelError(`the streaming step failed on ${count} knots: ${messageOf(cause)}`, { count }, cause)
      }
      const probabilities = answer.probabilities.data as Float32Array
      checkProbabilities(probabilities, count)
      return { state: answer.state_next.data as Float32Array, probabilities }
    },
    snapshot: (state) => takeSnapshot(model, state),
    restore: (kept) => restoreSnapshot(model, kept),
    dispose: () => session.release(),
  }
}

function widthOf(session: InferenceSession, name: string): number {
  const value = session.inputMetadata.find((input) => input.name === name)
  const width = value?.isTensor ? value.shape[1] : undefined
  if (typeof width === 'number' && width > 0) return width
  throw new ModelError(`the streaming step does not say how wide its input "${name}" is`, { shape: width })
}

/**
 * Sends windows through the streaming step, knot by knot.
 *
 * @returns probabilities after the last knot, `[count, 3]`: what the window's own graph must say too
 */
export async function streamWindows(session: StepSession, windows: Windows): Promise<Float32Array> {
  const { count, knots, hours } = windows
  const { channels, stateSize } = session
  let result: StepResult = { state: new Float32Array(count * stateSize), probabilities: new Float32Array(0) }
  for (let knot = 0; knot < knots; knot++) {
    const features = new Float32Array(count * channels)
    const mask = new Float32Array(count * channels)
    const elapsed = new Float32Array(count)
    for (let n = 0; n < count; n++) {
      const at = n * knots + knot
      features.set(windows.features.subarray(at * channels, (at + 1) * channels), n * channels)
      mask.set(windows.mask.subarray(at * channels, (at + 1) * channels), n * channels)
      elapsed[n] = knot === 0 ? 0 : hours[at] - hours[at - 1]
    }
    const first = new Float32Array(count).fill(knot === 0 ? 1 : 0)
    result = await session.step({ count, features, mask, elapsed, first, state: result.state })
  }
  return result.probabilities
}
