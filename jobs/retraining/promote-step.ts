import { SERVED_KINDS } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import type { VersionName } from '#models/registry-expiry.ts'
import { reignOf } from '#models/registry-history.ts'
import { type Promotion, promoteVersions } from '#models/registry-promotion.ts'
import { publishIndex } from '#models/store/index-object.ts'
import type { RetrainingDeps } from './deps.ts'
import type { RetrainingJob } from './flow.ts'
import type { RetrainingProgress, StepResults } from './progress.ts'
import { newlyShipped, shipped } from './shipped.ts'

/**
 * The step `promote`: moves the champions as the verdict lets, all at once, tells other machines, and says in words what
 * came of the retraining.
 *
 * @throws {ModelError} where a version can no longer serve; the champions stay
 * @throws {UnavailableError} where the store does not answer: the champions have moved here, and another try tells it
 */
export async function promoteStep(
  deps: RetrainingDeps,
  { kinds }: RetrainingJob,
  progress: RetrainingProgress,
  signal?: AbortSignal,
): Promise<StepResults['promote']> {
  const { settings, store, logger } = deps
  const registry = openRegistry(settings.paths.models)
  const trained = progress.needed('train')
  const judged = progress.needed('evaluate')
  const { failures: unfit } = progress.needed('export')

  const fresh = newlyShipped(trained, judged).filter(({ kind }) => !(kind in unfit))
  const done = fresh.length === 0 ? [] : await promoteOnce(deps, fresh, judged!, unfit)
  if (store && done.some((one) => one.promoted)) await publishIndex(store, registry, signal)

  const words: string[] = []
  const promoted: string[] = []
  let refused = false
  for (const kind of kinds) {
    const challenger = trained.challengers[kind]
    if (!challenger) {
      words.push(`There is no new ${kind.toUpperCase()}`)
      continue
    }
    const name = `${kind} ${challenger.id}`
    const move = done.find((one) => one.kind === kind && one.id === challenger.id)
    const why = challenger.flaw ?? unfit[kind] ?? move?.reason
    if (move?.promoted) promoted.push(name)
    else if (why === undefined) refused = true
    words.push(`${name} is ${move?.promoted ? 'champion' : 'not promoted'}${why === undefined ? '' : `: ${why}`}`)
  }
  if (refused && judged) words.push(judged.verdict.sentence)
  words.push(
    ...trained.failures,
    ...(judged?.remarks ?? []),
    ...progress.needed('refresh').degraded,
    ...trained.degraded,
  )
  // A kind without a new model is a failure that somebody must hear of, also where the other kind went well.
  const ok = kinds.every((kind) => kind in trained.challengers && !(kind in unfit))
  const text = words.map((sentence) => sentence.replace(/\.$/, '')).join('. ')
  logger[ok ? 'info' : 'error']({ promoted }, text)
  return { ok, words: text, promoted }
}

/**
 * Promotes the new versions, and with them a champion that the same verdict lets serve in another role than it has. What
 * was promoted by an earlier try of this step stays as it is.
 */
async function promoteOnce(
  { settings, now }: RetrainingDeps,
  fresh: readonly VersionName[],
  judged: NonNullable<StepResults['evaluate']>,
  unfit: StepResults['export']['failures'],
): Promise<readonly Promotion[]> {
  const { maxAgeDays, paths } = settings
  const registry = openRegistry(paths.models)
  const { entries } = await registry.log()
  const versions = shipped(judged).filter(({ kind }) => !(kind in unfit))
  const stands: Promotion[] = []
  const moving: VersionName[] = []
  for (const { kind, id } of versions) {
    const role = kind === judged.verdict.ship ? ('lead' as const) : ('fallback' as const)
    const reign = reignOf(entries, kind, await registry.find(kind, 'champion'))
    const same = reign?.to === id && (reign.role ?? (kind === SERVED_KINDS[0] ? 'lead' : 'fallback')) === role
    const isFresh = fresh.some((version) => version.kind === kind && version.id === id)
    if (same && (!isFresh || reign.verdict === judged.verdict.id)) {
      stands.push({
        kind,
        id,
        alias: 'champion',
        promoted: true,
        role,
        forced: false,
        verdict: reign.verdict,
        reason: reign.reason,
      })
    } else {
      moving.push({ kind, id })
    }
  }
  if (moving.length === 0) return stands
  return [...stands, ...(await promoteVersions(registry, moving, { now: now(), maxAgeDays }))]
}
