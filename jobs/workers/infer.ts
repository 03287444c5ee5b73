import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { InputError, ModelError } from '#data/errors.ts'
import type { Feature, FeatureTable } from '#data/features.ts'
import { buildWindows, type WindowEnd, windowRows } from '#data/windows.ts'
import { REGIMES, type RegimeModel } from '#models/regime.ts'
import type { Serving } from '#models/serving.ts'
import { decodeFloat32, decodeFloat64, encodeFloat32, encodeFloat64 } from '../encoding.ts'
import { toJobFailure } from '../failures.ts'
import { checkPayload, type InferItem, type InferResult, inferJobSchema } from '../queues.ts'
import type { ServingOpener } from './open-serving.ts'
import { createWarmServing } from './serving.ts'

export interface InferProcessorOptions {
  readonly modelsDirectory: string
  readonly open: ServingOpener
  /** Threads of the model runtime. */
  readonly threads?: number
  readonly now: () => number
  /** Days after which a champion does not serve any more. */
  readonly maxAgeDays?: number
  readonly logger: Logger
}

/** Answers `infer` jobs with models that stay loaded between them. */
export interface InferProcessor {
  /** @throws an `UnrecoverableError` for all but what another try may mend (see `failures.ts`) */
  process(job: { readonly data: unknown }): Promise<InferResult>
  close(): Promise<void>
}

/** This process, as results name it. */
const WORKER = `${process.pid}@${hostname()}`

/**
 * The processor of the `infer` queue.
 *
 * Where no model can serve, the result has no estimates and says why: that is an answer, not an error.
 */
export function createInferProcessor(options: InferProcessorOptions): InferProcessor {
  const warm = createWarmServing(options)

  const process = async (data: unknown): Promise<InferResult> => {
    const job = checkPayload(inferJobSchema, 'infer', data)
    if (job.cancelled) throw new InputError('the job was cancelled before it began')
    const stretches = job.batch.map(unpackStretch)
    const estimate = async (serving: Serving): Promise<InferResult> => {
      const { kind, id, model, degradations } = serving
      const answer = { servedBy: { kind, id }, degradations: [...degradations], worker: WORKER }
      if (!model) return { ...answer, estimates: [], seconds: 0, windows: 0 }
      const started = performance.now()
      const { estimates, windows } = await estimateStretches(model, stretches)
      return { ...answer, estimates, windows, seconds: (performance.now() - started) / 1000 }
    }
    try {
      return await warm.use(job, estimate)
    } catch (error) {
      // A model that passed its check may still fail on what the market brings: one more step down.
      if (!(error instanceof ModelError) || job.only) throw error
      const next = job.pinned ? 'the HMM that was asked for' : 'the champion HMM'
      const words = `degraded: the model that serves failed on a job, ${next} serves it: ${error.message}`
      options.logger.error({ error: error.message }, words)
      const answer = await warm.use({ only: 'hmm', pinned: job.pinned }, estimate)
      return { ...answer, degradations: [words, ...answer.degradations] }
    }
  }

  return {
    async process(job) {
      try {
        return await process(job.data)
      } catch (error) {
        throw toJobFailure(error)
      }
    },
    close: () => warm.close(),
  }
}

/** A stretch of a feature table with the rows asked for. */
interface Stretch {
  readonly table: FeatureTable
  readonly first: number
  readonly omitted: number
}

/** @throws {InputError} naming coin and field of what does not fit together */
function unpackStretch(item: InferItem): Stretch {
  const { coin, channels, first, omitted } = item
  const asOf = decodeFloat64(item.asOf, `${coin}: asOf`)
  const rows = asOf.length
  if (first >= rows) throw new InputError(`${coin}: first is ${first}, there are ${rows} rows`, { coin })
  for (let i = 1; i < rows; i++) {
    if (!(asOf[i] > asOf[i - 1])) throw new InputError(`${coin}: asOf must ascend at row ${i}`, { coin })
  }
  const values = decodeFloat32(item.rows, `${coin}: rows`, rows * channels.length)
  const sigma = decodeFloat64(item.sigma, `${coin}: sigma`, rows)
  return { table: { coin, channels: channels as Feature[], asOf, values, sigma }, first, omitted }
}

/** All windows of the job go through the model at once. */
async function estimateStretches(model: RegimeModel, stretches: readonly Stretch[]) {
  const ends: WindowEnd[] = []
  const reach = model.knots - 1
  const counts = stretches.map(({ table, first, omitted }) => {
    if (omitted > 0 && first < reach) {
      throw new InputError(
        `${table.coin} comes with ${first} rows of history, ${model.name} needs ${reach}: ask for more history`,
        { coin: table.coin, history: first, needed: reach },
      )
    }
    const rows = windowRows(table, model.knots).filter((row) => row >= first)
    for (const row of rows) ends.push({ table, row })
    return rows.length
  })

  const windows = buildWindows(ends, model.knots, model.channels)
  const probabilities = ends.length > 0 ? await model.estimate(windows) : new Float32Array(0)
  let offset = 0
  const estimates = stretches.map(({ table }, s) => {
    const [start, end] = [offset, offset + counts[s]]
    offset = end
    return {
      coin: table.coin,
      asOf: encodeFloat64(windows.asOf.subarray(start, end)),
      probabilities: encodeFloat32(probabilities.subarray(start * REGIMES.length, end * REGIMES.length)),
    }
  })
  return { estimates, windows: ends.length }
}
