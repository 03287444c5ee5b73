import { ModelError } from '#data/errors.ts'
import type { Progress } from '#data/progress.ts'
import { REGIMES, SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import { COLLAPSE_SHARE } from '#training/evaluation.ts'
import type { DatasetRequest } from '#training/history.ts'
import type { TrainingRequest, TrainingResult } from '#training/train.ts'
import { trainRound } from '../train-round.ts'
import { datasetRequest } from './dataset.ts'
import { type RunningFleet, withFleet } from './fleet.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'

/** What became of one kind of model. */
export interface Trained {
  readonly result: TrainingResult
  /** Whether it now serves; if not, `reason` says why and the champion before it goes on. */
  readonly promoted: boolean
  readonly reason: string
}

/** What became of all kinds: each is in one of the two. */
export interface TrainedModels {
  readonly trained: Partial<Record<ServedKind, Trained>>
  /** Why there is none of a kind. */
  readonly failures: Partial<Record<ServedKind, string>>
}

/**
 * Has the fleet train a neural CDE and an HMM, each in a process of its own, and promotes what may serve.
 * One that fails is logged; the other stands.
 *
 * @throws {MillraceError} the first failure when both failed
 */
export async function trainModels(
  settings: RunSettings,
  dataset: DatasetRequest,
  running: RunningFleet,
  context: RunContext,
): Promise<TrainedModels> {
  const { training, seed, paths } = settings
  const requests = SERVED_KINDS.map(
    (kind): TrainingRequest => ({ kind, dataset, options: training, seed, models: paths.models }),
  )
  const outcomes = await trainRound<TrainingRequest, TrainingResult>({
    broker: running.broker,
    requests,
    progress: (progress: Progress) => context.progress(progress),
    signal: running.signal,
  })
  const trained: Partial<Record<ServedKind, Trained>> = {}
  const failures: Partial<Record<ServedKind, string>> = {}
  const errors: Error[] = []
  for (const [i, outcome] of outcomes.entries()) {
    const kind = SERVED_KINDS[i]
    if (outcome.ok) trained[kind] = await promote(settings, outcome.result, context)
    else {
      errors.push(outcome.error)
      failures[kind] = outcome.error.message
      context.logger.error({ kind }, `training of the ${kind.toUpperCase()} failed: ${outcome.error.message}`)
    }
  }
  if (errors.length === requests.length) throw errors[0]
  return { trained, failures }
}

/** A checkpoint serves unless it has given up a regime on the validation fold: one-class answers steer nothing. */
async function promote(settings: RunSettings, result: TrainingResult, context: RunContext): Promise<Trained> {
  const { kind, id, validation } = result
  const registry = openRegistry(settings.paths.models)
  const givenUp = REGIMES.filter((regime) => validation.occupancy[regime] < COLLAPSE_SHARE)
  if (givenUp.length > 0) {
    const reason = `it says ${givenUp.join(' and ')} in less than ${COLLAPSE_SHARE * 100} % of the validation fold`
    context.logger.warn({ kind, id }, `${kind} ${id} is not promoted: ${reason}`)
    await registry.promote(kind, id, 'challenger', reason, context.now())
    return { result, promoted: false, reason }
  }
  const reason = `validation macro-F1 ${validation.macroF1.toFixed(3)}, parity ${result.maxAbsDiff.toExponential(1)}`
  await registry.promote(kind, id, 'champion', reason, context.now())
  context.logger.info({ kind, id }, `${kind} ${id} is champion: ${reason}`)
  return { result, promoted: true, reason }
}

/** What a run must say where the model that it compares is not the one that serves. */
export function notServing({ trained }: TrainedModels): string[] {
  return Object.values(trained)
    .filter(({ promoted }) => !promoted)
    .map(
      ({ result: { kind, id }, reason }) =>
        `degraded: ${kind.toUpperCase()} ${id} was trained but does not serve: ${reason}`,
    )
}

/** What `train` answers. */
export interface TrainSummary {
  readonly source: string
  readonly backend: { readonly name: string; readonly reason: string } | null
  readonly models: Record<
    string,
    {
      id: string
      path: string
      sha256: string
      maxAbsDiff: number
      promoted: boolean
      reason: string
      validation: object
      seconds: number
    }
  >
  /** Why there is no new model of a kind. */
  readonly failures: TrainedModels['failures']
}

/** The `train` command: checkpoints and promotion, no report. */
export async function trainCommand(settings: RunSettings, context: RunContext): Promise<TrainSummary> {
  const source = await resolveSource(settings.source, context)
  const { trained, failures } = await withFleet(settings, context, (running) =>
    trainModels(settings, datasetRequest(settings, source, context.now()), running, context),
  )
  const models: TrainSummary['models'] = {}
  for (const [kind, { result, promoted, reason }] of Object.entries(trained)) {
    const { id, path, sha256, maxAbsDiff, validation, seconds } = result
    models[kind] = { id, path, sha256, maxAbsDiff, promoted, reason, validation, seconds }
  }
  return { source: source.spec.source, backend: trained.cde?.result.cde?.backend ?? null, models, failures }
}

/**
 * The training of `kind`, which a comparison cannot do without.
 *
 * @throws {ModelError} with the reason where it failed
 */
export function mustHave({ trained, failures }: TrainedModels, kind: ServedKind): Trained {
  const found = trained[kind]
  if (found) return found
  throw new ModelError(`there is no ${kind.toUpperCase()} to compare: its training failed: ${failures[kind]}`, { kind })
}
