import { availableParallelism } from 'node:os'
import { Tinypool } from 'tinypool'
import type { Fit, FitData, FitTask } from './fit.ts'
import type { FitCache } from './fit-cache.ts'
import type { FitOutcome } from './fit-worker.ts'

export interface FitPoolOptions {
  readonly data: FitData
  /** Fits at a time; 0 is one for each core. */
  readonly threads: number
  readonly cache?: FitCache
  /** Called when a fit is there: how many are, of how many. */
  readonly onDone?: (done: number, task: FitTask, outcome: FitOutcome, cached: boolean) => void
  readonly signal?: AbortSignal
}

/** Fits by task, in the order of the tasks. */
export interface FitResult {
  readonly task: FitTask
  readonly outcome: FitOutcome
  readonly cached: boolean
}

/**
 * Runs fits in worker threads, each with a wasm backend and a copy of the data of its own; what the cache has is taken
 * from there. The result does not depend on which thread did what, or when.
 *
 * @throws the signal's reason when it aborts; what a thread threw that was no failure of a model
 */
export async function runFits(tasks: readonly FitTask[], options: FitPoolOptions): Promise<FitResult[]> {
  const { data, cache, onDone, signal } = options
  const results = new Array<FitResult>(tasks.length)
  let done = 0
  const finish = (index: number, outcome: FitOutcome, cached: boolean) => {
    results[index] = { task: tasks[index], outcome, cached }
    onDone?.(++done, tasks[index], outcome, cached)
  }
  const missing: number[] = []
  for (const [index, task] of tasks.entries()) {
    signal?.throwIfAborted()
    const fit = await cache?.read(task)
    if (fit) finish(index, { fit }, true)
    else missing.push(index)
  }
  if (missing.length === 0) return results

  const threads = Math.min(missing.length, options.threads === 0 ? availableParallelism() : options.threads)
  const pool = new Tinypool({
    filename: new URL('./fit-worker.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    isolateWorkers: false,
    workerData: data,
  })
  // One that breaks ends the others: without it they would go on for minutes.
  const breaking = new AbortController()
  const either = AbortSignal.any(signal ? [signal, breaking.signal] : [breaking.signal])
  try {
    await Promise.all(
      longestFirst(tasks, missing).map(async (index) => {
        const outcome: FitOutcome = await pool.run(tasks[index], { signal: either })
        if ('fit' in outcome) await cache?.write(tasks[index], outcome.fit)
        finish(index, outcome, false)
      }),
    )
    return results
  } catch (error) {
    breaking.abort()
    signal?.throwIfAborted()
    throw error
  } finally {
    await pool.destroy()
  }
}

/** How long a fit takes beside another of the same fold, roughly: the long ones go first, so that no core ends alone. */
const EFFORT: Record<FitTask['contestant'], number> = { gru: 80, cdeLinear: 18, cde: 10, hmm: 5, logistic: 2, rule: 0 }

function longestFirst(tasks: readonly FitTask[], indices: readonly number[]): number[] {
  const effort = (index: number) => {
    const { contestant, fold } = tasks[index]
    return EFFORT[contestant] * (fold.train.to - fold.train.from)
  }
  return [...indices].sort((a, b) => effort(b) - effort(a) || a - b)
}

/** The fit of a result, or undefined where it failed. */
export function fitOf({ outcome }: FitResult): Fit | undefined {
  return 'fit' in outcome ? outcome.fit : undefined
}
