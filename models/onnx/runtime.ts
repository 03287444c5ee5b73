import type { InferenceSession } from 'onnxruntime-node'
import { FatalError, ModelError } from '#data/errors.ts'

/** How onnxruntime is to run a graph. */
export interface RuntimeOptions {
  /** Threads within one operator; all cores if left out. A worker beside other workers takes 1. */
  readonly threads?: number
  /** Execution providers in the order in which they are tried. */
  readonly providers?: readonly string[]
}

/**
 * Loads onnxruntime when it is first needed.
 *
 * @throws {FatalError} where the native runtime is missing
 */
export async function loadRuntime() {
  try {
    return await import('onnxruntime-node')
  } catch (cause) {
    throw new FatalError(
      `onnxruntime-node cannot be loaded on this machine (${process.platform} ${process.arch}): run "npm ci" again`,
      { platform: process.platform, arch: process.arch },
      cause,
    )
  }
}

/**
 * Opens a graph from the bytes of its `.onnx` file.
 *
 * @throws {ModelError} for bytes that are no ONNX model
 * @throws {FatalError} where the native runtime is missing
 */
export async function createSession(bytes: Uint8Array, options: RuntimeOptions): Promise<InferenceSession> {
  const runtime = await loadRuntime()
  try {
    return await runtime.InferenceSession.create(bytes, {
      executionProviders: [...(options.providers ?? ['cpu'])],
      ...(options.threads !== undefined && { intraOpNumThreads: options.threads, interOpNumThreads: 1 }),
      // Warnings of the native library would go past our log; errors come back as exceptions anyway.
      logSeverityLevel: 3,
    })
  } catch (cause) {
    throw new ModelError(`not a usable ONNX model (${bytes.length} bytes): ${messageOf(cause)}`, {}, cause)
  }
}

export const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

/** Number of dimensions of each float32 value, by name. */
export type Dimensions = Readonly<Record<string, number>>

/**
 * Checks that a graph takes and gives what it must.
 *
 * @throws {ModelError} naming what it takes or gives instead
 */
export function checkSignature(session: InferenceSession, inputs: Dimensions, outputs: Dimensions): void {
  checkValues('input', session.inputMetadata, inputs)
  checkValues('output', session.outputMetadata, outputs)
}

function checkValues(
  role: 'input' | 'output',
  values: readonly InferenceSession.ValueMetadata[],
  expected: Dimensions,
): void {
  const describe = values.map((value) =>
    value.isTensor ? `${value.name} ${value.type} [${value.shape}]` : `${value.name} (no tensor)`,
  )
  const right =
    values.length === Object.keys(expected).length &&
    values.every((value) => value.isTensor && value.type === 'float32' && value.shape.length === expected[value.name])
  if (right) return
  throw new ModelError(
    `the ONNX model has ${role}s ${describe.join(', ')}; it must have ${Object.keys(expected).join(', ')}`,
    { role, values: describe },
  )
}
