import { InputError } from '#data/errors.ts'
import type { ProgressListener } from '#data/progress.ts'
import type { Random } from '#data/random.ts'
import { REGIMES } from '../regime.ts'
import { fitScaling } from '../scaling.ts'
import { type BaumWelchResult, runBaumWelch } from './baum-welch.ts'
import { createEmission } from './emission.ts'
import type { HourlySequence } from './expectation.ts'
import { filterStates } from './filter.ts'
import { initialParameters } from './initialisation.ts'
import type { Floors } from './maximisation.ts'
import { createObserver, defaultObservations, type Observation, observationName } from './observation.ts'
import {
  bayesianInformationCriterion,
  type CovarianceType,
  freeParameters,
  type HmmParameters,
  reorderStates,
} from './parameters.ts'
import { type HmmRegimeModel, scaleObservations } from './regime-model.ts'
import { canonicalOrder, contingency, countRegimes } from './regimes.ts'
import { hourlyRuns, type Run, trainingBlocks } from './sequences.ts'

/** The training rows of one coin. */
export interface HmmTrainingSequence {
  /** Row-major `[rows, C]`, unscaled, `NaN` where missing. */
  readonly values: Float32Array | Float64Array
  /** Hours of each row, ascending, from any origin: where they do not follow each other the sequence restarts. */
  readonly hours: ArrayLike<number>
  /** 0 chop, 1 trend, 2 reversal; 255 none. */
  readonly labels: Uint8Array
}

export interface HmmOptions {
  /** Numbers of states to choose from by the Bayesian information criterion. */
  readonly states: readonly number[]
  readonly covarianceType: CovarianceType
  /** What the states emit; {@link defaultObservations} of the channels if left out. */
  readonly observations?: readonly Observation[]
  /** Knots of a window at estimate time. */
  readonly knots: number
  /** Seeded starts per number of states; each runs briefly and the best one goes on (Biernacki et al. 2003). */
  readonly restarts: number
  readonly briefIterations: number
  readonly iterations: number
  /** Stop when an iteration gains less log-likelihood than this per row. */
  readonly tolerance: number
  /** At most so many rows of each coin are learned from, in blocks spread over its whole time. */
  readonly rowsPerCoin: number
  readonly floors: Floors
  readonly smoothing: number
  readonly balance: number
}

export const DEFAULT_HMM_OPTIONS: HmmOptions = {
  states: [3, 4, 5, 6],
  covarianceType: 'full',
  knots: 24,
  restarts: 4,
  briefIterations: 8,
  iterations: 60,
  tolerance: 1e-5,
  rowsPerCoin: 1500,
  floors: { variance: 1e-3, probability: 1e-5 },
  smoothing: 10,
  balance: 1,
}

export interface HmmFitRequest {
  readonly sequences: readonly HmmTrainingSequence[]
  readonly channels: readonly string[]
  readonly options?: Partial<HmmOptions>
  readonly random: Random
  readonly progress?: ProgressListener
  readonly signal?: AbortSignal
}

/**
 * Fits a Gaussian hidden Markov model to all sequences together and reads its states as regimes.
 *
 * The states are found without the labels (Baum-Welch); the labels only say which regimes each state goes with.
 *
 * @throws {InputError} for sequences without usable rows or labels, or channels that the observations need and lack
 * @throws the signal's reason when it aborts
 */
export async function fitHmm(request: HmmFitRequest): Promise<HmmRegimeModel> {
  const { sequences, channels, random, progress, signal } = request
  const options = { ...DEFAULT_HMM_OPTIONS, ...request.options }
  const observations = [...(options.observations ?? defaultObservations(channels))]
  const names = observations.map(observationName)
  checkRequest(request, options)

  const observe = createObserver(channels, observations)
  const observed = sequences.map(({ values, hours }) => {
    const out = new Float64Array(hours.length * observations.length)
    observe(values, hours.length, out)
    return out
  })
  const scaling = fitScaling(
    names,
    observed.map((values) => Float32Array.from(values)),
  )
  for (const values of observed) scaleObservations(values, scaling)
  const runs = sequences.map(({ hours }, s) => hourlyRuns(observed[s], hours, names.length))
  const blocks = runs.flatMap((own) => trainingBlocks(own, options.rowsPerCoin))

  const { parameters, selection } = await selectStates(blocks, names.length, options, random, progress, signal)
  const hours = new Float64Array(parameters.states * REGIMES.length)
  sequences.forEach(({ labels }, s) => {
    for (const run of runs[s]) addRun(parameters, run, labels, hours)
  })
  if (hours.every((value) => value === 0)) throw new InputError('no labelled row to read the states as regimes with')

  const table = contingency({ hours }, options)
  const order = canonicalOrder(table)
  const ordered = reorderStates(parameters, order)
  return {
    kind: 'hmm',
    channels: [...channels],
    knots: options.knots,
    observations,
    scaling: { channels: names, median: [...scaling.median], iqr: [...scaling.iqr] },
    states: ordered.states,
    covarianceType: ordered.covarianceType,
    initial: [...ordered.initial],
    transition: [...ordered.transition],
    mean: [...ordered.mean],
    covariance: [...ordered.covariance],
    contingency: order.flatMap((k) => [...table.subarray(k * REGIMES.length, (k + 1) * REGIMES.length)]),
    selection,
  }
}

function checkRequest({ sequences, channels }: HmmFitRequest, options: HmmOptions): void {
  if (options.states.length === 0) throw new InputError('no number of states to choose from')
  if (!(options.restarts >= 1)) throw new InputError(`a fit needs at least one start, got ${options.restarts}`)
  sequences.forEach(({ values, hours, labels }, s) => {
    if (values.length !== hours.length * channels.length || labels.length !== hours.length) {
      throw new InputError(
        `sequence ${s} has ${hours.length} hours, ${labels.length} labels and ${values.length} values ` +
          `for ${channels.length} channels`,
      )
    }
  })
}

function addRun(parameters: HmmParameters, run: Run, labels: Uint8Array, hours: Float64Array): void {
  const logDensities = new Float64Array(run.rows * parameters.states)
  createEmission(parameters).logDensities(run.values, run.rows, logDensities)
  const posteriors = filterStates(parameters, logDensities, run.rows)
  countRegimes({ hours }, posteriors, labels.subarray(run.start, run.start + run.rows))
}

/** Fits every candidate and takes the one with the smallest criterion. */
async function selectStates(
  blocks: readonly HourlySequence[],
  dimensions: number,
  options: HmmOptions,
  random: Random,
  progress?: ProgressListener,
  signal?: AbortSignal,
): Promise<{ parameters: HmmParameters; selection: HmmRegimeModel['selection'] }> {
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0)
  const total = options.states.length * (options.restarts + 1)
  const selection: HmmRegimeModel['selection'] = []
  let best: HmmParameters | undefined
  let smallest = Number.POSITIVE_INFINITY
  let done = 0
  for (const states of options.states) {
    const report = (note: string) =>
      progress?.({ stage: 'hmm', done: ++done, total, note: `${states} states, ${note}` })
    let started: BaumWelchResult | undefined
    for (let restart = 0; restart < options.restarts; restart++) {
      const result = await runBaumWelch(
        initialParameters(
          blocks,
          states,
          dimensions,
          options.covarianceType,
          options.floors.variance,
          random.fork(`${states} states, start ${restart}`),
        ),
        blocks,
        { ...options, iterations: options.briefIterations },
        signal,
      )
      if (!started || result.logLikelihoods.at(-1)! > started.logLikelihoods.at(-1)!) started = result
      report(`start ${restart + 1} of ${options.restarts}`)
    }
    const { parameters, logLikelihoods } = await runBaumWelch(started!.parameters, blocks, options, signal)
    const logLikelihood = logLikelihoods.at(-1)!
    const bic = bayesianInformationCriterion(
      logLikelihood,
      freeParameters(states, dimensions, options.covarianceType),
      rows,
    )
    selection.push({ states, logLikelihood, bic, rows })
    report(`BIC ${Math.round(bic)}`)
    if (bic < smallest) {
      smallest = bic
      best = parameters
    }
  }
  return { parameters: best!, selection }
}
