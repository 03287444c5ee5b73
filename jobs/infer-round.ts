import type { MillraceError } from '#data/errors.ts'
import type { ProgressListener } from '#data/progress.ts'
import { REGIMES } from '#models/regime.ts'
import type { Broker } from './broker.ts'
import { newRound, packJob, planJobs, type Stint } from './cut-jobs.ts'
import { decodeFloat32, decodeFloat64 } from './encoding.ts'
import { fromFailure } from './failures.ts'
import { type InferResult, inferResultSchema } from './queues.ts'
import { identified, runRound } from './round.ts'

export interface InferRoundOptions extends Stint {
  readonly broker: Broker
  /** Name of the round: the same round asked twice is the same jobs. Default: a new one. */
  readonly round?: string
  readonly progress?: ProgressListener
  readonly signal?: AbortSignal
  /** Milliseconds without any answer after which the round is given up, default 120,000. */
  readonly timeout?: number
}

/** Estimates of one coin, ascending in time. */
export interface CoinEstimates {
  /** `[n]`, UTC milliseconds. */
  readonly asOf: Float64Array
  /** `[n, 3]` */
  readonly probabilities: Float32Array
}

export interface InferRoundResult {
  /** By coin; rows for which no window can be made (warm-up, gaps) are absent, and so are coins without any. */
  readonly estimates: ReadonlyMap<string, CoinEstimates>
  /** The model behind most estimates; another one beside it is among the degradations. */
  readonly servedBy: InferResult['servedBy']
  /** Worker processes that answered. */
  readonly workers: number
  readonly jobs: number
  readonly windows: number
  readonly seconds: number
  readonly degradations: readonly string[]
  /** Coins without estimates: those of a job that failed, and those that were left out of theirs. */
  readonly failures: readonly { readonly coins: readonly string[]; readonly error: MillraceError }[]
}

const DEFAULT_TIMEOUT = 120_000

/**
 * Has the fleet estimate the regimes of all coins in `asOf`: fans the rows out as jobs and gathers the answers.
 *
 * A job that fails leaves its coins without those estimates, and so does a coin that made its job fail by itself; both
 * are told in `failures` and `degradations`.
 *
 * @throws {InputError} when no table has a row in `asOf`
 * @throws {MillraceError} the first failure, when every job failed
 * @throws {UnavailableError} when nothing answers for `timeout`
 */
export async function inferRound(options: InferRoundOptions): Promise<InferRoundResult> {
  const started = performance.now()
  const round = options.round ?? newRound()
  const plans = planJobs(options)
  const coinsOf = plans.map((plan) => plan.map(({ table }) => table.coin))
  const outcomes = await runRound({
    broker: options.broker,
    queue: 'infer',
    jobs: plans.map((plan, n) => {
      const payload = () => packJob(plan, round, options)
      // Nobody else has a round of a name that was made up just now: the place within it is identity enough.
      return options.round === undefined ? { id: `${round}.${n}`, payload } : identified(payload())
    }),
    parse: (value) => inferResultSchema.parse(value),
    onOutcome: (index, _outcome, done) =>
      options.progress?.({ stage: 'infer', done, total: plans.length, note: coinsOf[index].join(' ') }),
    signal: options.signal,
    patience: options.timeout ?? DEFAULT_TIMEOUT,
  })

  const results: InferResult[] = []
  const failures: { coins: readonly string[]; error: MillraceError }[] = []
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.ok) {
      results.push(outcome.result)
      for (const { coin, reason } of outcome.result.poisoned) {
        failures.push({ coins: [coin], error: fromFailure(reason, { coin }) })
      }
    } else failures.push({ coins: coinsOf[index], error: outcome.error })
  }
  if (results.length === 0) throw failures[0].error

  const servedBy = mostUsed(results)
  const degradations = new Set(results.flatMap((result) => result.degradations))
  for (const other of new Set(results.map(({ servedBy: { kind, id } }) => `${kind} ${id}`))) {
    if (other !== `${servedBy.kind} ${servedBy.id}`) degradations.add(`some jobs were served by ${other}`)
  }
  for (const { coins, error } of failures) degradations.add(`no estimates for ${coins.join(', ')}: ${error.message}`)
  return {
    estimates: mergeEstimates(results),
    servedBy,
    workers: new Set(results.map((result) => result.worker)).size,
    jobs: plans.length,
    windows: results.reduce((sum, result) => sum + result.windows, 0),
    seconds: (performance.now() - started) / 1000,
    degradations: [...degradations],
    failures,
  }
}

function mostUsed(results: readonly InferResult[]): InferResult['servedBy'] {
  const windows = new Map<string, number>()
  let best = results[0].servedBy
  let most = -1
  for (const { servedBy, windows: count } of results) {
    const key = `${servedBy.kind} ${servedBy.id}`
    const sum = (windows.get(key) ?? 0) + count
    windows.set(key, sum)
    if (sum > most) {
      most = sum
      best = servedBy
    }
  }
  return best
}

function mergeEstimates(results: readonly InferResult[]): Map<string, CoinEstimates> {
  const parts = new Map<string, CoinEstimates[]>()
  for (const { estimates } of results) {
    for (const { coin, asOf: times, probabilities: values } of estimates) {
      const asOf = decodeFloat64(times, `${coin} asOf`)
      if (asOf.length === 0) continue
      const probabilities = decodeFloat32(values, `${coin} probabilities`, asOf.length * REGIMES.length)
      parts.set(coin, [...(parts.get(coin) ?? []), { asOf, probabilities }])
    }
  }
  return new Map([...parts].map(([coin, list]) => [coin, joinParts(list)]))
}

/** One after the other: jobs are cut, and their results gathered, in the order of time. */
function joinParts(parts: readonly CoinEstimates[]): CoinEstimates {
  const count = parts.reduce((sum, part) => sum + part.asOf.length, 0)
  const asOf = new Float64Array(count)
  const probabilities = new Float32Array(count * REGIMES.length)
  let offset = 0
  for (const part of parts) {
    asOf.set(part.asOf, offset)
    probabilities.set(part.probabilities, offset * REGIMES.length)
    offset += part.asOf.length
  }
  return { asOf, probabilities }
}
