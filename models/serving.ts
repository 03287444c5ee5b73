import { MillraceError, ModelError } from '#data/errors.ts'
import { asRegimeModel, type OnnxSession, openOnnxSession } from './onnx/session.ts'
import { type RegimeModel, SERVED_KINDS, type ServedKind } from './regime.ts'
import { ONNX_FILE, type Registry } from './registry.ts'
import { type AgeLimit, expiryOf, type VersionName } from './registry-expiry.ts'
import { servingOrder } from './registry-history.ts'
import { runSelfCheck, SELF_CHECK_FILE } from './self-check.ts'

export interface ServingOptions extends AgeLimit {
  /** Threads of the ONNX session; all cores if left out. */
  readonly threads?: number
  /** Serve this kind or nothing. */
  readonly only?: ServedKind
  /** Serve these versions, the first that is usable, instead of the champions. */
  readonly pinned?: readonly VersionName[]
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
 * longer says what it said when it was trained, the champion HMM; if that is unusable too, nothing. Where a verdict has
 * shipped the HMM, the two change places.
 *
 * A model's fault never throws; it is a sentence in `degradations`. What the machine lacks (the native runtime) does.
 */
export async function openServing(registry: Registry, options: ServingOptions): Promise<Serving> {
  const ladder = await rungs(registry, options)
  const degradations: string[] = []
  for (const [i, rung] of ladder.entries()) {
    try {
      const { id, model, session } = await openRung(registry, rung, options)
      return { kind: rung.kind, id, model, degradations, close: () => session.dispose() }
    } catch (error) {
      if (!(error instanceof MillraceError) || error.action === 'fatal') throw error
      const next = ladder[i + 1]
      const instead = next ? `the ${nameOf(next)} serves instead` : 'there are no estimates'
      degradations.push(`degraded: the ${nameOf(rung)} is unusable, ${instead}: ${error.message}`)
    }
  }
  return { kind: 'none', id: undefined, model: undefined, degradations, close: async () => {} }
}

/** A step of the ladder: the champion of a kind, or a version that was asked for. */
type Rung = { readonly kind: ServedKind; readonly id?: string }

function nameOf({ kind, id }: Rung): string {
  return id === undefined ? `champion ${kind.toUpperCase()}` : `${kind.toUpperCase()} ${id} that was asked for`
}

async function rungs(registry: Registry, { only, pinned }: ServingOptions): Promise<readonly Rung[]> {
  if (pinned) return only ? pinned.filter(({ kind }) => kind === only) : pinned
  if (only) return [{ kind: only }]
  const champions: Partial<Record<ServedKind, string>> = {}
  for (const kind of SERVED_KINDS) champions[kind] = await readable(registry.find(kind, 'champion'))
  const entries = (await readable(registry.log()))?.entries ?? []
  return servingOrder(entries, champions).map((kind) => ({ kind }))
}

/** What cannot be read decides no order; the rung that needs it says what is wrong. */
async function readable<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error) => {
    if (error instanceof ModelError) return undefined
    throw error
  })
}

async function openRung(
  registry: Registry,
  { kind, id: wanted }: Rung,
  { now, maxAgeDays, threads }: ServingOptions,
): Promise<{ id: string; model: RegimeModel; session: OnnxSession }> {
  const id = wanted ?? (await registry.resolve(kind, 'champion'))
  const { card, files } = await registry.read(kind, id)
  const expired = expiryOf({ kind, id }, card, (await registry.log()).entries, { now, maxAgeDays })
  if (expired) throw new ModelError(`${kind} ${id} ${expired}: train again`, { kind, id })
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
