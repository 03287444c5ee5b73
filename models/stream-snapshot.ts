import { z } from 'zod'
import { ModelError } from '#data/errors.ts'
import { sha256 } from './card.ts'

const SNAPSHOT_VERSION = 1

const Snapshot = z.object({
  version: z.int(),
  /** Digest of the model whose state it is. */
  model: z.string(),
  /** Numbers of one stream. */
  stateSize: z.int().min(1),
  /** `[streams, stateSize]` */
  state: z.array(z.number()),
  /** Digest of all of the above. */
  sha256: z.string(),
})

/** What tells the model of a state: a state means nothing to other weights, another scaling or another size. */
export interface StreamModel {
  /** SHA-256 of what the model computes with. */
  readonly digest: string
  readonly stateSize: number
}

function digestOf({ version, model, stateSize, state }: Omit<z.infer<typeof Snapshot>, 'sha256'>): string {
  return sha256(JSON.stringify([version, model, stateSize, state]))
}

/**
 * The states of streams as JSON, so that they survive a restart of the process.
 *
 * @param state `[streams, stateSize]`
 * @throws {ModelError} where the state is not whole rows of finite numbers
 */
export function takeSnapshot({ digest, stateSize }: StreamModel, state: Float32Array): Uint8Array {
  if (state.length % stateSize !== 0 || !state.every(Number.isFinite)) {
    throw new ModelError(`this is no state to keep: ${state.length} numbers, ${stateSize} a stream, all to be finite`, {
      numbers: state.length,
      stateSize,
    })
  }
  const content = { version: SNAPSHOT_VERSION, model: digest, stateSize, state: Array.from(state) }
  return Buffer.from(JSON.stringify({ ...content, sha256: digestOf(content) }))
}

/**
 * Reads what {@link takeSnapshot} wrote.
 *
 * @returns `[streams, stateSize]`, the very numbers that were kept
 * @throws {ModelError} where the snapshot is cut off, changed, of another version, or another model's
 */
export function restoreSnapshot({ digest, stateSize }: StreamModel, bytes: Uint8Array): Float32Array {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(bytes).toString())
  } catch (cause) {
    throw refused(`it is not whole JSON (${bytes.length} bytes)`, cause)
  }
  const parsed = Snapshot.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw refused(`${issue.path.join('.') || 'it'}: ${issue.message}`)
  }
  const { version, model, state, ...snapshot } = parsed.data
  if (version !== SNAPSHOT_VERSION) throw refused(`it has version ${version}, this program reads ${SNAPSHOT_VERSION}`)
  if (digestOf(parsed.data) !== snapshot.sha256) throw refused('it was changed after it was taken')
  if (model !== digest || snapshot.stateSize !== stateSize || state.length % stateSize !== 0) {
    throw refused(`it is of the model ${model.slice(0, 16)}, this one is ${digest.slice(0, 16)}`)
  }
  return Float32Array.from(state)
}

function refused(why: string, cause?: unknown): ModelError {
  const message = `the snapshot of the streams cannot be restored: ${why}; start them from their last windows instead`
  return new ModelError(message, {}, cause)
}
