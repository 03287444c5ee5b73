import { z } from 'zod'
import { ModelError } from '#data/errors.ts'
import { sliceWindows, type Windows } from '#data/windows.ts'
import { checkParity } from './onnx/parity.ts'
import { REGIMES, type RegimeModel } from './regime.ts'

/** File of a version that holds its self-check. */
export const SELF_CHECK_FILE = 'selfcheck.json'
const WINDOWS = 16

const numbers = z.array(z.number())

/** A few real windows and what the model that was trained says about them: any served copy must say the same. */
const SelfCheck = z.object({
  count: z.int().min(1),
  knots: z.int().min(1),
  channels: z.array(z.string()).min(1),
  features: numbers,
  hours: numbers,
  mask: numbers,
  coin: z.array(z.string()),
  asOf: numbers,
  /** `[count, 3]`, from the training side. */
  expected: numbers,
})

/**
 * The self-check of a version, as the bytes of its file.
 *
 * @param windows real windows; the last {@link WINDOWS} of them are kept
 * @param expected probabilities by the model that was trained, `[count, 3]`
 */
export function encodeSelfCheck(windows: Windows, expected: Float32Array): Uint8Array {
  const from = Math.max(0, windows.count - WINDOWS)
  const kept = sliceWindows(windows, from, windows.count)
  return Buffer.from(
    JSON.stringify({
      count: kept.count,
      knots: kept.knots,
      channels: kept.channels,
      features: [...kept.features],
      hours: [...kept.hours],
      mask: [...kept.mask],
      coin: kept.coin,
      asOf: [...kept.asOf],
      expected: [...expected.subarray(from * REGIMES.length)],
    }),
  )
}

/**
 * Runs the self-check of a version against the model that is about to serve.
 *
 * @param name names the model in errors
 * @returns the largest absolute difference
 * @throws {ModelError} where the file is missing or unreadable, or the answers differ by 1e-5 or more
 */
export async function runSelfCheck(name: string, model: RegimeModel, file: Uint8Array | undefined): Promise<number> {
  if (!file) throw new ModelError(`${name} has no ${SELF_CHECK_FILE}: it cannot be checked, train again`)
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(file).toString())
  } catch (cause) {
    throw new ModelError(`${name}: ${SELF_CHECK_FILE} is not whole JSON`, {}, cause)
  }
  const parsed = SelfCheck.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new ModelError(`${name}: ${SELF_CHECK_FILE}: ${issue.path.join('.')}: ${issue.message}`)
  }
  const { features, hours, mask, asOf, expected, ...shape } = parsed.data
  const windows: Windows = {
    ...shape,
    features: Float32Array.from(features),
    hours: Float32Array.from(hours),
    mask: Float32Array.from(mask),
    asOf: Float64Array.from(asOf),
  }
  return checkParity(name, expected, await model.estimate(windows))
}
