import { ModelError } from '#data/errors.ts'
import type { Progress } from '#data/progress.ts'
import { REGIMES, SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import type { Promotion } from '#models/registry-promotion.ts'
import { COLLAPSE_SHARE } from '#training/evaluation.ts'
import type { DatasetRequest } from '#training/history.ts'
import type { TrainingRequest, TrainingResult } from '#training/train.ts'
import type { Verdict } from '#training/verdict.ts'
import { trainRound } from '../train-round.ts'
import { datasetRequest, loadDataset } from './dataset.ts'
import { type RunningFleet, withFleet } from './fleet.ts'
import { judgeTrained, promoteTrained } from './promotion.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'

/** A new version of one kind of model. */
export interface Trained {
  readonly result: TrainingResult
  /** Why it must not serve whatever a verdict says, in words that follow "it". */
  readonly flaw?: string
}

/** What became of all kinds: each is in one of the two. */
export interface TrainedModels {
  readonly trained: Partial<Record<ServedKind, Trained>>
  /** Why there is none of a kind. */
  readonly failures: Partial<Record<ServedKind, string>>
  /** What did not go as it was meant to, though a model came of it. */
  readonly degradations: readonly string[]
}

/**
 * Has the fleet train a neural CDE and an HMM, each in a process of its own, and makes them challengers: whether they
 * are to serve is for a verdict to say (`promotion.ts`). One that fails is logged; the other stands.
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
  const degradations: string[] = []
  const errors: Error[] = []
  for (const [i, outcome] of outcomes.entries()) {
    const kind = SERVED_KINDS[i]
    if (outcome.ok) {
      const { result } = outcome
      await challenge(settings.paths.models, result, context)
      trained[kind] = { result, flaw: flawOf(result) }
      for (const words of cutsOf(outcome.result)) {
        degradations.push(words)
        context.logger.warn({ kind }, words)
      }
    } else {
      errors.push(outcome.error)
      failures[kind] = outcome.error.message
      context.logger.error({ kind }, `training of the ${kind.toUpperCase()} failed: ${outcome.error.message}`)
    }
  }
  if (errors.length === requests.length) throw errors[0]
  return { trained, failures, degradations }
}

/** What a user must know of a training that was not what it was meant to be: backends that failed, time that ran out. */
export function cutsOf({ kind, cde }: TrainingResult): string[] {
  if (!cde) return []
  const { degradations, ending } = cde
  const cut = ending.by === 'minutes' ? [ending.reason] : []
  return [...degradations, ...cut].map((words) => `degraded: training of the ${kind.toUpperCase()}: ${words}`)
}

/** Makes a checkpoint of the registry at `models` challenger; one that is so already stays it without another move. */
export async function challenge(
  models: string,
  { kind, id, validation, maxAbsDiff }: Pick<TrainingResult, 'kind' | 'id' | 'validation' | 'maxAbsDiff'>,
  context: RunContext,
): Promise<void> {
  const registry = openRegistry(models)
  if ((await registry.find(kind, 'challenger')) === id) return
  const words = `validation macro-F1 ${validation.macroF1.toFixed(3)}, parity ${maxAbsDiff.toExponential(1)}`
  await registry.promote(kind, id, 'challenger', `trained: ${words}`, context.now())
}

/** What is wrong with a checkpoint on the validation fold, in words that follow "it": one-class answers steer nothing. */
export function flawOf({ validation }: Pick<TrainingResult, 'validation'>): string | undefined {
  const givenUp = REGIMES.filter((regime) => validation.occupancy[regime] < COLLAPSE_SHARE)
  if (givenUp.length === 0) return undefined
  return `it says ${givenUp.join(' and ')} in less than ${COLLAPSE_SHARE * 100} % of the validation fold`
}

/** What `train` answers. */
export interface TrainSummary {
  readonly source: string
  readonly backend: { readonly name: string; readonly reason: string } | null
  /** What the comparison on the test period came to: promotion goes by it. */
  readonly verdict: Verdict & { readonly id: string }
  /** Macro-F1 of each model compared. */
  readonly macroF1: Readonly<Record<string, number>>
  readonly models: Record<
    string,
    {
      id: string
      path: string
      sha256: string
      maxAbsDiff: number
      promoted: boolean
      role?: Promotion['role']
      forced: boolean
      reason: string
      validation: object
      seconds: number
    }
  >
  /** Why there is no new model of a kind. */
  readonly failures: TrainedModels['failures']
  readonly degradations: TrainedModels['degradations']
}

/**
 * The `train` command: trains, compares what came of it with the baselines on the test period, and promotes what the
 * verdict lets; no report.
 *
 * @param force promotes whatever the verdict says, for this reason
 */
export async function trainCommand(settings: RunSettings, context: RunContext, force?: string): Promise<TrainSummary> {
  const source = await resolveSource(settings.source, context)
  const request = datasetRequest(settings, source, context.now())
  const dataset = await loadDataset(request, context)
  const outcome = await withFleet(settings, context, (running) => trainModels(settings, request, running, context))
  const { evaluation, verdict, record } = await judgeTrained(settings, source, dataset, outcome, context)
  const promotions = await promoteTrained(settings, outcome, context, force)
  const models: TrainSummary['models'] = {}
  for (const { result } of Object.values(outcome.trained)) {
    const { kind, id, path, sha256, maxAbsDiff, validation, seconds } = result
    const { promoted, role, forced, reason } = promotions[kind]!
    models[kind] = { id, path, sha256, maxAbsDiff, promoted, role, forced, reason, validation, seconds }
  }
  return {
    source: source.spec.source,
    backend: outcome.trained.cde?.result.cde?.backend ?? null,
    verdict: { ...verdict, id: record.id },
    macroF1: Object.fromEntries(Object.entries(evaluation.models).map(([model, { macroF1 }]) => [model, macroF1])),
    models,
    failures: outcome.failures,
    degradations: outcome.degradations,
  }
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
