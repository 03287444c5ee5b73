import { Worker } from 'node:worker_threads'
import { BackendError } from '#data/errors.ts'
import type { BackendName } from '#models/backend.ts'
import { type Gradients, wordsOf } from './gradients.ts'
import { addShards, forwardShards, type ShardData, shardsOf } from './shards.ts'
import { CONTROL, gradientOf, putBatch, type SharedMemory, shareMemory, TASK } from './shared-memory.ts'
import type { ThreadMessage } from './thread.ts'

/** Backends that compute on the processor, one thread each. */
export type ThreadBackend = Extract<BackendName, 'wasm' | 'onnxruntime'>

export interface ThreadsOptions {
  /** What each thread computes on; wasm unless given. */
  readonly backend?: ThreadBackend
  readonly threads: number
  /** Windows of the largest batch. */
  readonly batch: number
  readonly signal?: AbortSignal
  /** Program of a thread; `thread.ts` unless given. */
  readonly program?: URL
}

const PROGRAM = new URL('./thread.ts', import.meta.url)

/**
 * Losses and gradients from several threads, each with a backend of its own. The data lie in shared memory from the
 * beginning on; per batch only indices and what was drawn for them are written there. The losses and gradients of its shards are
 * added up in their order: the same numbers for the same number of threads, and those of {@link gradientsHere} up to the order
 * in which floats were added.
 *
 * This thread never blocks. After a failure or an abort, all threads are ended and every further call fails with its reason.
 *
 * @throws {BackendError} where a thread cannot start, or ends, or throws: with the reason
 */
export async function gradientsInThreads(data: ShardData, options: ThreadsOptions): Promise<Gradients> {
  const { threads, batch: largest, signal, backend = 'wasm', program = PROGRAM } = options
  signal?.throwIfAborted()
  const memory = shareMemory(data, threads, largest)
  const { control } = memory
  let failure: { readonly reason: unknown } | undefined
  let closing = false
  const workerData = { ...memory, backend }
  const workers = Array.from({ length: threads }, () => new Worker(program, { workerData, execArgv: [] }))
  const end = () => Promise.all(workers.map((worker) => worker.terminate()))

  /** Ends all threads and wakes whoever waits for them. */
  const fail = (reason: unknown) => {
    if (closing) return
    failure ??= { reason }
    void end()
    Atomics.notify(control, CONTROL.done)
  }
  const onAbort = () => fail(signal?.reason)
  const close = async () => {
    closing = true
    signal?.removeEventListener('abort', onAbort)
    await end()
  }
  signal?.addEventListener('abort', onAbort, { once: true })

  const ready = workers.map((worker, i) => {
    const broken = (how: string, cause?: unknown) =>
      new BackendError(`thread ${i + 1} of ${threads} of the training ${how}`, { thread: i + 1, threads }, cause)
    return new Promise<void>((resolve) => {
      worker.on('message', (message: ThreadMessage) => {
        if (message.type === 'failed') fail(broken(`failed: ${message.reason}`))
        resolve()
      })
      worker.once('error', (error) => fail(broken(`failed: ${wordsOf(error)}`, error)))
      worker.once('exit', (code) => {
        fail(broken(`ended with exit code ${code}`))
        resolve()
      })
    })
  })
  const throwIfFailed = () => {
    if (failure) throw failure.reason
  }

  /** Has the threads do `count` shards of `task`, and waits until they are done. */
  async function perform(task: number, count: number): Promise<void> {
    throwIfFailed()
    const first = Atomics.load(control, CONTROL.end)
    Atomics.store(control, CONTROL.first, first)
    Atomics.store(control, CONTROL.task, task)
    Atomics.store(control, CONTROL.end, first + count)
    Atomics.notify(control, CONTROL.end)
    for (;;) {
      throwIfFailed()
      const done = Atomics.load(control, CONTROL.done)
      if (done === first + count) return
      await Atomics.waitAsync(control, CONTROL.done, done).value
    }
  }

  try {
    await Promise.all(ready)
    throwIfFailed()
  } catch (error) {
    await close()
    throw error
  }
  return {
    threads,
    async batch(parameters, batch) {
      memory.parameters.set(parameters)
      putBatch(memory, batch)
      const shards = shardsOf(batch.indices.length, threads)
      await perform(TASK.batch, shards.length)
      return addShards(
        shards.map((_, i) => lossAndGradientOf(memory, i)),
        parameters.length,
      )
    },
    async validation(parameters) {
      memory.parameters.set(parameters)
      await perform(TASK.validation, forwardShards(data.validation.length).length)
      return memory.answers.slice()
    },
    close,
  }
}

function lossAndGradientOf(memory: SharedMemory, shard: number) {
  const values = gradientOf(memory, shard)
  return { loss: values[0], gradient: values.subarray(1) }
}
