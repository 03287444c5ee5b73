import { MillraceError, ModelError } from '#data/errors.ts'
import { asRegimeModel, type OnnxSession, openOnnxSession } from './onnx/session.ts'

import { type RegimeModel, SERVED_KINDS, type ServedKind } from './regime.ts'
import { ONNX_FILE, type Registry } from './registry.ts'
import { runSelfCheck, SELF_CHECK_FILE } from './self-check.ts'

export interface ServingOptions {
  /** UTC milliseconds: decides what has expired. */
  readonly now: number
  /** Threads of the ONNX session; all cores if left out. */
  readonly threads?: number
  /** Serve this kind or nothing. */
  readonly only?: ServedKind
}

/** What serves, and why nothing better does. */
export interface Serving {
  readonly kind: ServedKind | 'none'
  /** Registry id; undefined where nothing serves. */
  readonly id: string | undefined
  readonly model: RegimeModel | undefined
  /** One sentence per step down, to be logged, counted and shown. Empty when healthy. */
  readonly degradations: readonly string[]
  /** Frees the session. */
  close(): Promise<void>
}

/**
 * Opens the best model that is usable (design section 9): the champion CDE; if it is missing, changed, expired or no
 * longer says what it said when it was trained, the champion HMM; if that is unusable too, nothing.
 *
 * A model's fault never throws; it is a sentence in `degradations`. What the machine lacks (the native runtime) does.
 */
export async function openServing(registry: Registry, options: ServingOptions): Promise<Serving> {
  const ladder = options.only ? [options.only] : SERVED_KINDS
  const degradations: string[] = []
  for (const [rung, kind] of ladder.entries()) {
    try {
      const { id, model, session } = await openChampion(registry, kind, options)
      return { kind, id, model, degradations, close: () => session.dispose() }
    } catch (error) {
      if (!(error instanceof MillraceError) || error.action === 'fatal') throw error
      const next = ladder[rung + 1]
      const instead = next ? `the champion ${next.toUpperCase()} serves instead` : 'there are no estimates'
      degradations.push(`degraded: the champion ${kind.toUpperCase()} is unusable, ${instead}: ${error.message}`)
    }
  }
  return { kind: 'none', id: undefined, model: undefined, degradations, close: async () => {} }
}

async function openChampion(
  registry: Registry,
  kind: ServedKind,
  { now, threads }: ServingOptions,
): Promise<{ id: string; model: RegimeModel; session: OnnxSession }> {
  const id = await registry.resolve(kind, 'champion')
  const { card, files } = await registry.read(kind, id)
  if (card.expiresAt !== undefined && now >= card.expiresAt) {
    throw new ModelError(`${kind} ${id} expired at ${new Date(card.expiresAt).toISOString()}: train again`, {
      kind,
      id,
    })
  }
  const onnx = files.get(ONNX_FILE)
  if (!onnx) throw new ModelError(`${kind} ${id} has no ${ONNX_FILE} on its card`, { kind, id })
  const session = await openOnnxSession(onnx, { threads })
  try {
    const model = asRegimeModel(session, card)
    await runSelfCheck(`${kind} ${id}`, model, files.get(SELF_CHECK_FILE))
    return { id, model, session }
  } catch (error) {
    await session.dispose()
    throw error
  }
}
