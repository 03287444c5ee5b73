import { DelayedError, type Job } from 'bullmq'
import { z } from 'zod'
import { InputError, MillraceError } from '#data/errors.ts'
import { toJobFailure } from '../failures.ts'
import { queueOf } from '../queue-of.ts'
import type { InferJob, InferResult } from '../queues.ts'
import type { FleetRecords, RoundRecord } from '../records.ts'
import { askFleet, chooseRows, cutBatches, gatherAnswers, historyOf, keepPoison } from './estimates.ts'
import { ROUND_STEPS, type RoundJob, type RoundStep } from './flow.ts'
import type { KnownBars } from './markets.ts'
import { addDegraded, createRefresh } from './refresh.ts'
import type { RoundStepsOptions, StepAnswer } from './step.ts'
import { createTrading } from './trading.ts'

const roundJob = z.object({ flow: z.string(), asOf: z.int(), batches: z.int().optional() })

/**
 * The processor of the queue `round`: takes the steps of a round, each of which may be taken again after a crash and then
 * changes nothing twice. Everything that must survive is in the records and in the ledger; what a step has in memory
 * for the next one is made again where it is missing.
 *
 * @returns processor; failures that another try may mend are tried again, all others end the round (see `failures.ts`)
 */
export function createRoundSteps(options: RoundStepsOptions) {
  const { broker, records, clock, markets, rounds, models } = options
  const inferQueue = queueOf<InferJob, InferResult>(broker, 'infer')
  const trading = createTrading(options)
  const refresh = createRefresh(options)
  let world: KnownBars | undefined

  /** What was known at the hour; loaded again where the process is not the one that refreshed. */
  const knownAt = async (asOf: number, signal?: AbortSignal): Promise<KnownBars> => {
    if (world?.asOf !== asOf) {
      world = await markets.load(asOf, { stored: 'the round was refreshed before', ...(signal && { signal }) })
    }
    return world
  }
  const note = (asOf: number, known: Parameters<FleetRecords['noteRound']>[1]) => records.noteRound(asOf, known)
  const degrade = (asOf: number, words: readonly string[]) => addDegraded(records, asOf, words)

  async function features({ asOf }: RoundJob) {
    const { bars } = await knownAt(asOf)
    const rows = bars.reduce((sum, series) => sum + markets.features(series).asOf.length, 0)
    return { coins: bars.length, rows }
  }

  async function infer(round: RoundJob & { batches?: number }, job: Job<unknown, unknown>, token: string) {
    const { asOf } = round
    let asked = round.batches
    if (asked === undefined) {
      const { bars } = await knownAt(asOf)
      const tables = bars.map((series) => ({ bars: series, table: markets.features(series) }))
      const { inputs, degraded } = chooseRows(tables, asOf, rounds.staleHours)
      degrade(asOf, degraded)
      const pinned = (await options.pinned?.())?.versions
      const history = await historyOf(models, pinned)
      const batches = cutBatches(inputs, round, { batchCoins: rounds.batchCoins, history, ...(pinned && { pinned }) })
      await askFleet(job, token, inferQueue, batches)
      asked = batches.length
    }
    const { estimates, model, degraded, windows, inferSeconds, poisoned } = await gatherAnswers(job, round, asked)
    const added = records.addEstimates(estimates)
    degrade(asOf, degraded)
    note(asOf, { model, estimates: records.estimates(asOf).length, windows, inferSeconds })
    await keepPoison(broker, inferQueue, poisoned, Date.now())
    return { batches: asked, estimates: added, model }
  }

  const takeStep = async (
    step: RoundStep,
    round: RoundJob & { batches?: number },
    job: Job<unknown, unknown>,
    token: string,
    signal?: AbortSignal,
  ): Promise<StepAnswer> => {
    switch (step) {
      case 'refresh':
        world = undefined
        world = await refresh(round, job, token, signal)
        return { coins: world.bars.length, behind: world.behind.length }
      case 'features':
        return features(round)
      case 'infer':
        return infer(round, job, token)
      default:
        return trading.take(step, round, await knownAt(round.asOf, signal), recordOf(records, round), signal)
    }
  }

  return async (job: Job<unknown, unknown>, token: string, signal?: AbortSignal): Promise<StepAnswer> => {
    const started = performance.now()
    try {
      const step = ROUND_STEPS.find((name) => name === job.name)
      const round = roundJob.safeParse(job.data)
      if (step === undefined || !round.success) throw new InputError(`"${job.name}" is no step of a round`)
      const { asOf, flow } = round.data
      const answer = await takeStep(step, round.data, job, token, signal)
      const steps = { ...records.round(asOf)?.steps, [step]: performance.now() - started }
      const over = step === ROUND_STEPS[ROUND_STEPS.length - 1]
      note(asOf, { steps, ...(over && { state: 'done', endedAt: clock.now() }) })
      options.logger.debug({ flow, job: job.id, ...answer }, `${step} done`)
      if (over) tellRound(options, asOf, job.id)
      return answer
    } catch (error) {
      if (error instanceof DelayedError || (error as Error).name === 'WaitingChildrenError') throw error
      if (error instanceof MillraceError && error.action === 'fail-closed')
        options.logger.error({ job: job.id }, error.message)
      throw toJobFailure(error)
    }
  }
}

function recordOf(records: FleetRecords, { asOf, flow }: RoundJob): RoundRecord {
  const record = records.round(asOf)
  if (record === undefined)
    throw new InputError(`the records know nothing of round ${flow}: were they removed?`, { flow })
  return record
}

/** One line a round: what a log is read for. */
function tellRound({ records, logger }: RoundStepsOptions, asOf: number, job: string | undefined): void {
  const { flow, startedAt, endedAt, estimates, coins, model, degraded, late } = recordOf(records, { asOf, flow: '' })
  const seconds = ((endedAt ?? startedAt) - startedAt) / 1000
  const how = `${estimates} of ${coins} coins estimated by ${model}${late ? ', too late to open anything' : ''}`
  const words =
    degraded.length > 0 ? `, degraded: ${degraded.map((one) => one.replace(/^degraded: /, '')).join('; ')}` : ''
  logger[degraded.length > 0 ? 'warn' : 'info'](
    { flow, job, seconds },
    `round ${flow} done in ${seconds.toFixed(1)} s: ${how}${words}`,
  )
}
