import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { InputError, ModelError } from '#data/errors.ts'
import type { ServedKind } from '#models/regime.ts'
import { withRegistryLock } from '#models/registry-lock.ts'
import { WheelOptions } from '#src/options.ts'
import type { DatasetRequest } from '#training/history.ts'
import { TrainingOptions } from '#training/options.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { type SearchPage, writeSearchReport } from '#training/report/search/report.ts'
import type { ModelTrialRequest } from '#training/search/model-trial.ts'
import type { SearchOptions } from '#training/search/options.ts'
import { runStudy, type TrialAnswer, type TrialRequest } from '#training/search/run-study.ts'
import { searchSignificance } from '#training/search/significance.ts'
import { type Assignment, assignmentFrom } from '#training/search/space.ts'
import { searches } from '#training/search/spaces.ts'
import type { Study } from '#training/search/study.ts'
import { openStudyLog, type StudyLog } from '#training/search/study-log.ts'
import { bestTrial } from '#training/search/trial.ts'
import { prepareWithoutTest } from '#training/search/unseen-test.ts'
import { channelOf } from '../channel.ts'
import { trialRound } from '../search-round.ts'
import type { BacktestOptions } from '../trading/options.ts'
import type { WheelTrialRequest } from '../workers/search-wheel.ts'
import { walkForwardHours } from '../workers/search-wheel.ts'
import { datasetRequest, withRemarks } from './dataset.ts'
import { isoRange } from './evaluate.ts'
import { type RunningFleet, withFleet } from './fleet.ts'
import { searchProgress } from './search-progress.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'
import { mustBeUnseen } from './unseen.ts'
import { chosenVersions } from './versions.ts'

/** What decides a search: the settings of a run, part of which it varies. */
export interface SearchSettings extends RunSettings {
  readonly search: SearchOptions
  /** Who tells a searched wheel its regimes. */
  readonly backtest: BacktestOptions
}

/** What `search` answers. */
export interface SearchSummary extends SearchPage {
  /** Files of the search. */
  readonly folder: string
  readonly report: string
}

/** What the trials of one search have in common. */
interface Held {
  readonly dataset: PreparedDataset
  readonly request: DatasetRequest
  /** The model whose estimates steer the wheel; absent where models are fitted walk-forward. */
  readonly version?: { readonly kind: ServedKind; readonly id: string }
}

type Optimised = Pick<RunSettings, 'training' | 'wheel'>

/** Failures in a row after which the fault is hardly the trials' own. */
const MOST_FAILURES = 3

/** The `search` command: settings that do better on the validation fold; the test period is never read. */
export async function searchCommand(settings: SearchSettings, context: RunContext): Promise<SearchSummary> {
  const { search, paths } = settings
  const name = search.name ?? new Date(context.now()).toISOString().slice(0, 19).replaceAll(':', '-')
  const folder = join(paths.state, 'searches', name)
  // Before the log is opened: opening cuts off a line that another process may be writing.
  return withRegistryLock(
    folder,
    async () => {
      const log = await openStudyLog(join(folder, 'study.jsonl'))
      try {
        return await searchIn(settings, { name, folder, log }, context)
      } finally {
        await log.close()
      }
    },
    0,
  )
}

interface Place {
  readonly name: string
  readonly folder: string
  readonly log: StudyLog
}

async function searchIn(settings: SearchSettings, place: Place, context: RunContext): Promise<SearchSummary> {
  const { search, seed } = settings
  const { name, folder, log } = place
  const { space, direction, objective } = searches[search.space]
  const source = await resolveSource(settings.source, context)
  // A remote range ends when the search began, also when it goes on days later.
  const request = datasetRequest(settings, source, log.events[0]?.at ?? context.now())
  const dataset = await withRemarks(prepareWithoutTest, request, context)
  const held: Held = {
    dataset,
    request,
    ...(search.space === 'wheel' &&
      settings.backtest.regimes === 'versions' &&
      (await championOf(settings, dataset, context))),
  }
  const definition = { kind: search.space, direction, seed, setting: settingOf(settings, held) }
  const first = assignmentFrom(space, (path) => valueAt(settings, path))
  if (!first) context.logger.warn('the settings in force lie outside what is searched: they are not among the trials')
  context.logger.info(`search ${name}: ${search.trials} trials for the ${objective}`)

  const study = await withFleet(settings, context, async (running) => {
    const progress = searchProgress(search.trials, direction, context.progress)
    const ask = askFleet(settings, held, running, progress.ofTrial)
    return runStudy({
      log,
      definition,
      space,
      first,
      trials: search.trials,
      parallel: search.parallel ?? (await trainers(running)),
      steps: search.space === 'model' ? settings.training.cde.epochs : 0,
      objective: ask,
      newId: randomUUID,
      now: context.now,
      signal: running.signal,
      onChange: progress.ofStudy,
    })
  }).catch((error) => {
    context.logger.warn(`search ${name} stopped: the same command with --name ${name} goes on with it`)
    throw error
  })
  const page = pageOf(settings, name, source.spec.source, study, held, context.now())
  const report = await writeSearchReport(page, folder)
  return { ...page, folder, report }
}

/** Workers that take trials, those of other machines included. */
async function trainers({ broker }: RunningFleet): Promise<number> {
  const { queue } = await channelOf(broker, 'train')
  return Math.max(1, await queue.getWorkersCount())
}

/**
 * The model that is to steer the wheel in every trial.
 *
 * @throws {InputError} where there is none, or it has seen the test period
 */
async function championOf(settings: SearchSettings, { origin, split }: PreparedDataset, context: RunContext) {
  const { models } = settings.paths
  const ids = await chosenVersions(settings, context)
  const kind = (['cde', 'hmm'] as const).find((each) => ids[each] !== undefined)
  const id = kind && ids[kind]
  if (!kind || !id) {
    throw new InputError(`no champion in ${models} whose estimates could steer the wheel: run train first`, { models })
  }
  await mustBeUnseen(models, { [kind]: id }, { origin, from: split.test.from })
  return { version: { kind, id } }
}

/** What decides the answer of a trial besides its own parameters: a search goes on only where all of it is the same. */
function settingOf(settings: SearchSettings, { dataset, request, version }: Held) {
  const { search, training, wheel } = settings
  // What the data are decides the hash; where they lie, and what a machine computes with, does not matter.
  const { state: _, source: __, ...data } = request
  const { backend: ___, threads: ____, ...held } = training
  const steered = version ?? { ...walkForwardOf(settings), training: held }
  const optimised = search.space === 'model' ? { training: held } : { wheel, regimes: steered }
  return JSON.parse(JSON.stringify({ data, hash: dataset.hash, ...optimised }))
}

/** Has the fleet answer trials, and gives up where one after the other fails. */
function askFleet(
  settings: SearchSettings,
  held: Held,
  { broker, signal }: RunningFleet,
  onProgress: ReturnType<typeof searchProgress>['ofTrial'],
) {
  let failures = 0
  return async (trial: TrialRequest, { header, opened }: Study): Promise<TrialAnswer> => {
    const answer = await trialRound({
      broker,
      request: requestOf(settings, held, trial),
      round: `${header.id}-${opened}`,
      progress: (progress) => onProgress(trial.number, progress),
      signal,
    })
    failures = answer.state === 'failed' ? failures + 1 : 0
    if (failures >= MOST_FAILURES) {
      throw new ModelError(`${failures} trials in a row failed, the last: ${answer.reason}`, { trial: trial.number })
    }
    return answer
  }
}

function requestOf(settings: SearchSettings, held: Held, trial: TrialRequest): ModelTrialRequest | WheelTrialRequest {
  const { training, wheel } = withValues(settings, trial.parameters)
  const { number, bars } = trial
  const dataset = held.request
  if (settings.search.space === 'model') {
    return { task: 'model trial', number, dataset, options: training, seed: settings.seed, bars: [...bars] }
  }
  const regimes = held.version ? { models: settings.paths.models, ...held.version } : walkForwardOf(settings)
  return { task: 'wheel trial', number, dataset, wheel, regimes }
}

/** Models that are fitted to what lies before each block. */
function walkForwardOf({ backtest: { regimes, model, refitDays }, training, seed }: SearchSettings) {
  if (regimes === 'none') {
    throw new InputError('a wheel without regimes opens nothing: search with --set backtest.regimes=walk-forward')
  }
  return { walkForward: model, everyDays: refitDays, training, seed }
}

function valueAt(tree: object, path: string): unknown {
  return path.split('.').reduce<unknown>((group, key) => (group as Record<string, unknown> | undefined)?.[key], tree)
}

/** The settings with the values of a trial in their places. */
function withValues({ training, wheel }: Optimised, parameters: Assignment): Optimised {
  const tree = structuredClone({ training, wheel }) as Record<string, unknown>
  for (const [path, value] of Object.entries(parameters)) {
    const names = path.split('.')
    const group = valueAt(tree, names.slice(0, -1).join('.')) as Record<string, unknown>
    group[names[names.length - 1]] = value
  }
  return { training: TrainingOptions.parse(tree.training), wheel: WheelOptions.parse(tree.wheel) }
}

/** What is told of a search that has all its trials. */
function pageOf(
  settings: SearchSettings,
  name: string,
  source: string,
  study: Study,
  { dataset, version }: Held,
  generatedAt: number,
): SearchPage {
  const { header, direction, trials, opened } = study
  const { objective, space } = searches[settings.search.space]
  const best = bestTrial(trials, direction)
  if (!best) {
    const reason = trials.findLast((trial) => trial.reason !== undefined)?.reason
    throw new ModelError(`none of the ${trials.length} trials was completed; the last: ${reason}`, { name })
  }
  const count = (state: string) => trials.filter((trial) => trial.state === state).length
  const inForce = assignmentFrom(space, (path) => valueAt(settings, path))
  const walkForward =
    settings.search.space === 'wheel' && !version
      ? `${settings.backtest.model}, fitted anew every ${settings.backtest.refitDays} days`
      : undefined
  return {
    name,
    space: settings.search.space,
    parameters: space,
    objective,
    direction,
    seed: header.seed,
    source,
    origin: dataset.origin,
    coins: dataset.coins,
    pool: dataset.markets.map((market) => market.bars.coin),
    train: isoRange(dataset.split.train),
    validation: isoRange(walkForward ? walkForwardHours(dataset) : dataset.split.validation),
    ...(walkForward && { walkForward }),
    ...(version && { version }),
    counts: {
      trials: trials.length,
      complete: count('complete'),
      pruned: count('pruned'),
      failed: count('failed'),
    },
    best: { number: best.number, value: best.value!, settings: best.parameters, figures: best.figures ?? {} },
    ...(inForce && { inForce: { value: trials[0].value ?? null } }),
    ...(best.returns && { significance: searchSignificance(best, trials) }),
    trials: trials.map(({ returns: _, ...trial }) => trial),
    begun: new Date(header.at).toISOString(),
    opened,
    seconds: trials.reduce((sum, trial) => sum + (trial.seconds ?? 0), 0),
    generated: new Date(generatedAt).toISOString(),
  }
}
