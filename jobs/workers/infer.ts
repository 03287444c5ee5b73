import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { InputError, ModelError } from '#data/errors.ts'
import type { Serving } from '#models/serving.ts'
import { describeFailure, toJobFailure } from '../failures.ts'
import { checkPayload, type InferResult, inferJobSchema } from '../queues.ts'
import { redact } from '../secrets.ts'
import type { ServingOpener } from './open-serving.ts'
import { createWarmServing } from './serving.ts'
import { estimateStretches, type Poison, unpackBatch } from './stretches.ts'

export interface InferProcessorOptions {
  readonly modelsDirectory: string
  readonly open: ServingOpener
  /** Threads of the model runtime. */
  readonly threads?: number
  readonly now: () => number
  /** Days after which a champion does not serve any more. */
  readonly maxAgeDays?: number
  /** What is to be said of every answer for now, one sentence each. */
  readonly remarks?: () => readonly string[]
  readonly logger: Logger
}

/** Answers `infer` jobs with models that stay loaded between them. */
export interface InferProcessor {
  /** @throws an `UnrecoverableError` for all but what another try may mend (see `failures.ts`) */
  process(job: { readonly data: unknown }): Promise<InferResult>
  close(): Promise<void>
}

/** As the result carries it, and once a coin: it may have been cut into several stretches. */
function told(poison: readonly Poison[]): InferResult['poisoned'] {
  const reasons = new Map<string, string>()
  for (const { coin, error } of poison) if (!reasons.has(coin)) reasons.set(coin, describeFailure(error))
  return [...reasons].map(([coin, reason]) => ({ coin, reason }))
}

/** This process, as results name it. */
const WORKER = `${process.pid}@${hostname()}`

/**
 * The processor of the `infer` queue.
 *
 * Where no model can serve, the result has no estimates and says why: that is an answer, not an error. So is a coin
 * whose numbers make no sense, as long as it is not the only one: the result names it, and has the others.
 */
export function createInferProcessor(options: InferProcessorOptions): InferProcessor {
  const warm = createWarmServing(options)

  const process = async (data: unknown): Promise<InferResult> => {
    const job = checkPayload(inferJobSchema, 'infer', data)
    if (job.cancelled) throw new InputError('the job was cancelled before it began')
    const { stretches, poison: unsound } = unpackBatch(job.batch)
    const estimate = async (serving: Serving): Promise<InferResult> => {
      const { kind, id, model, degradations } = serving
      const answer = {
        servedBy: { kind, id },
        degradations: [...degradations],
        worker: WORKER,
        ...(job.flow !== undefined && { flow: job.flow }),
        ...(job.asOf !== undefined && { asOf: job.asOf }),
      }
      if (!model) return { ...answer, estimates: [], poisoned: told(unsound), seconds: 0, windows: 0 }
      const started = performance.now()
      const { estimates, windows, poison } = await estimateStretches(model, stretches, job.lineage === true)
      const poisoned = told([...unsound, ...poison])
      return { ...answer, estimates, poisoned, windows, seconds: (performance.now() - started) / 1000 }
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
        const answer = await process(job.data)
        // They are made of what went wrong with a model, and the broker keeps them.
        return { ...answer, degradations: answer.degradations.map(redact) }
      } catch (error) {
        throw toJobFailure(error)
      }
    },
    close: () => warm.close(),
  }
}
