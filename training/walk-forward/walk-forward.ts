import type { ProgressListener } from '#data/progress.ts'
import { createRandom } from '#data/random.ts'
import { classesOf } from '../evaluation.ts'
import type { TrainingOptions } from '../options.ts'
import type { PreparedDataset } from '../prepare.ts'
import { aimsOf } from './aims.ts'
import { CONTESTANTS, type Contestant, seedsOf } from './contestants.ts'
import { differences } from './differences.ts'
import { chooseFields } from './field-choice.ts'
import type { FitData, FitTask } from './fit.ts'
import { openFitCache } from './fit-cache.ts'
import { type FitResult, fitOf, runFits } from './fit-pool.ts'
import { walkForwardFolds } from './folds.ts'
import { FORECAST_NOTE, forecastTasks, scoreForecast } from './forecast.ts'
import { forwardMeaning } from './forward-meaning.ts'
import { judgeFolds } from './judge-folds.ts'
import { noveltyCheck } from './novelty-check.ts'
import type { EvaluationOptions } from './options.ts'
import type { FailedFit, FoldSummary, WalkForward } from './result.ts'
import { LOST_SHARES, lostKnots, untrainedCoins, untrainedCoinTasks } from './robustness.ts'
import { type FitScore, macroF1On, scoreFit } from './score-fit.ts'
import { type ContestantSummary, coinWinners, summariseContestant, summariseLabels } from './summarise.ts'
import { chosenRuns, gatherRuns, type TestBlock, testBlocks } from './test-blocks.ts'

export interface WalkForwardSettings {
  readonly training: TrainingOptions
  readonly evaluation: EvaluationOptions
  readonly seed: number
  readonly testFrom?: number
  /** Directory of finished fits; none are kept without it. */
  readonly cache?: string
}

export interface WalkForwardContext {
  readonly progress?: ProgressListener
  /** Told of what the reader of the result should know and cannot see in it. */
  readonly onRemark?: (message: string) => void
  readonly signal?: AbortSignal
}

/**
 * Trains and tests every contestant walk-forward, and judges.
 *
 * @throws {InputError} where the data leave no room for a fold
 * @throws the signal's reason when it aborts; finished fits are in the cache then
 */
export async function walkForward(
  dataset: PreparedDataset,
  settings: WalkForwardSettings,
  context: WalkForwardContext = {},
): Promise<WalkForward> {
  const { training, evaluation, seed, testFrom } = settings
  const { markets, coins, label, range } = dataset
  const { folds: foldsAsked, embargoHours } = evaluation
  const seedsFor = (contestant: Contestant) => seedsOf(contestant, seed, evaluation)
  const folds = walkForwardFolds(range, label.halfWidth, { folds: foldsAsked, embargoHours, testFrom })
  if (folds.length < foldsAsked) {
    context.onRemark?.(`the data have room for ${folds.length} of the ${foldsAsked} folds asked for`)
  }
  const data: FitData = { markets, coins, label, options: training }
  const blocks = testBlocks(data, folds)
  const last = blocks[blocks.length - 1]

  const results = await fitEverything(data, dataset.hash, blocks, settings, context)
  const found = (match: (task: FitTask) => boolean) => {
    const result = results.find(({ task }) => match(task))
    return result && fitOf(result)
  }
  const runs = gatherRuns(folds, seedsFor, (contestant, one, { fold }) =>
    found(
      (task) =>
        task.contestant === contestant &&
        task.seed === one &&
        task.fold.fold === fold &&
        task.target === 'centred' &&
        task.without === undefined,
    ),
  )

  const step = stepper(context)
  step('scores')
  const scores = Object.fromEntries(
    CONTESTANTS.map((contestant) => [
      contestant,
      blocks.map((block, k) => runs[contestant].map((run) => scoreFit(block, run.seed, run.fits[k]))),
    ]),
  ) as Record<Contestant, FitScore[][]>
  const fieldChoice = chooseFields({ cde: scores.cde, cdeLinear: scores.cdeLinear })
  const chosen = fieldChoice.map((choice) => choice.chosen)
  const field = chosen[chosen.length - 1]
  const contestants = {
    ...(Object.fromEntries(
      CONTESTANTS.map((name) => [name, summariseContestant(blocks, runs[name], scores[name], coins)]),
    ) as Record<Contestant, ContestantSummary>),
    chosen: summariseContestant(
      blocks,
      chosenRuns(runs, chosen),
      chosen.map((one, k) => scores[one][k]),
      coins,
    ),
  }
  const { chosen: _, ...each } = contestants

  const random = createRandom(seed).fork('evaluation')
  step('differences')
  const leads = differences(blocks, runs, fieldChoice, {
    resamples: evaluation.resamples,
    random: random.fork('bootstrap'),
  })
  step('what follows a regime')
  const forward = forwardMeaning(blocks, markets, runs, {
    shuffles: evaluation.shuffles,
    random: random.fork('shuffle'),
  })
  step('lost knots')
  const lost = await lostKnots(last, runs, random.fork('knots'), context.signal)
  step('novelty')
  const fitted = runs[field][0].fits.at(-1)?.model
  const novelty =
    fitted?.form === 'classifier' ? await noveltyCheck(data, last, fitted, field, random.fork('novelty')) : undefined
  const labels = summariseLabels(blocks)
  const aims = aimsOf(coins, contestants, leads)
  step('done')
  return {
    folds: blocks.map(summariseFold),
    foldsAsked,
    seeds: seedsFor('cde'),
    labelReachHours: label.halfWidth,
    labels,
    contestants,
    fieldChoice,
    winners: coinWinners(each, coins),
    differences: leads,
    forecast: {
      note: FORECAST_NOTE,
      trained: results
        .filter(({ task }) => task.target === 'forecast')
        .map((result) => scoreForecast(data, blocks[result.task.fold.fold - 1], result.task.contestant, fitOf(result))),
    },
    forward,
    robustness: {
      lostShares: LOST_SHARES,
      lostKnots: lost,
      untrainedCoins: untrainedCoins(
        last,
        runs,
        field,
        results.flatMap((result) => {
          const { contestant, without: coin } = result.task
          return coin === undefined ? [] : [{ coin, contestant, fit: fitOf(result) }]
        }),
      ),
      ...(novelty && { novelty }),
    },
    verdict: { ...judgeFolds(contestants, leads, labels, field, folds.length), field },
    ...(aims && { aims }),
    fits: {
      done: results.length,
      fromCache: results.filter(({ cached }) => cached).length,
      failed: results.flatMap(failureOf),
    },
  }
}

/** All fits of the evaluation, in worker threads, with the cache before them. */
async function fitEverything(
  data: FitData,
  dataHash: string,
  blocks: readonly TestBlock[],
  { seed, evaluation, cache }: WalkForwardSettings,
  { progress, onRemark = () => {}, signal }: WalkForwardContext,
): Promise<FitResult[]> {
  const last = blocks[blocks.length - 1]
  const tasks: FitTask[] = [
    ...CONTESTANTS.flatMap((contestant) =>
      blocks.flatMap(({ fold }) =>
        seedsOf(contestant, seed, evaluation).map(
          (one): FitTask => ({ contestant, fold, seed: one, target: 'centred' }),
        ),
      ),
    ),
    ...forecastTasks(blocks, seed),
    ...untrainedCoinTasks(data.coins, data.markets.length, last.fold, seed),
  ]
  let best = ''
  let highest = 0
  const report = (done: number) =>
    progress?.({ stage: 'fits', done, total: tasks.length, ...(best !== '' && { note: `best so far: ${best}` }) })
  report(0)
  return runFits(tasks, {
    data,
    threads: evaluation.threads,
    signal,
    ...(cache !== undefined && {
      cache: await openFitCache({ directory: cache, dataHash, data, onUnusable: onRemark }),
    }),
    onDone(done, { contestant, fold, seed: one, target, without }, outcome) {
      if ('fit' in outcome && target === 'centred' && without === undefined) {
        const { validation } = blocks[fold.fold - 1]
        const score = macroF1On(validation.labels, classesOf(outcome.fit.validation))
        if (score > highest) {
          highest = score
          best = `${contestant}, fold ${fold.fold}, seed ${one}, validation macro-F1 ${score.toFixed(3)}`
        }
      } else if ('failure' in outcome) {
        onRemark(`${contestant}, fold ${fold.fold}, seed ${one}: ${outcome.failure}`)
      }
      report(done)
    },
  })
}

function summariseFold({ fold, trainHours, validation, samples, frequencies }: TestBlock): FoldSummary {
  const { fold: number, train, validation: before, test, embargoHours } = fold
  const hours = { train: trainHours, validation: validation.labels.length, test: samples.label.length }
  return { fold: number, train, validation: before, test, embargoHours, hours, frequencies }
}

function failureOf({ task, outcome }: FitResult): FailedFit[] {
  if ('fit' in outcome) return []
  const { contestant, seed, target, without, fold } = task
  return [
    { contestant, seed, target, ...(without !== undefined && { without }), fold: fold.fold, reason: outcome.failure },
  ]
}

/** Progress of what comes after the fits. */
function stepper({ progress, signal }: WalkForwardContext): (note: string) => void {
  const total = 5
  let done = -1
  return (note) => {
    signal?.throwIfAborted()
    done++
    progress?.({ stage: 'evaluate', done: Math.min(done, total), total, note })
  }
}
