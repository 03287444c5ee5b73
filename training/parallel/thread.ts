import { parentPort, workerData } from 'node:worker_threads'
import { selectBackend } from '#models/backend.ts'
import { openEngine } from '#models/engines.ts'
import { REGIMES } from '#models/regime.ts'
import { wordsOf } from './gradients.ts'
import { forwardShards, shardGradient, shardProbabilities, shardsOf } from './shards.ts'
import { CONTROL, gradientOf, type SharedMemory, sharedData, TASK, takeBatch } from './shared-memory.ts'
import type { ThreadBackend } from './threads.ts'

/** Program of one training thread: takes tickets, computes the shard that each stands for, and waits for more. */

/** What a thread says to the main thread; work itself is arranged in shared memory. */
export type ThreadMessage = { readonly type: 'ready' } | { readonly type: 'failed'; readonly reason: string }

const { backend, ...memory } = workerData as SharedMemory & { readonly backend: ThreadBackend }
const { control } = memory
const say = (message: ThreadMessage) => parentPort?.postMessage(message)

/** The next ticket; waits until there is one. */
function takeTicket(): number {
  for (;;) {
    const next = Atomics.load(control, CONTROL.next)
    const end = Atomics.load(control, CONTROL.end)
    if (next >= end) Atomics.wait(control, CONTROL.end, end)
    else if (Atomics.compareExchange(control, CONTROL.next, next, next + 1) === next) return next
  }
}

/** Says that one more ticket is done; whoever does the last one wakes the main thread. */
function returnTicket(): void {
  const done = Atomics.add(control, CONTROL.done, 1) + 1
  if (done === Atomics.load(control, CONTROL.end)) Atomics.notify(control, CONTROL.done)
}

async function work(): Promise<never> {
  // onnxruntime needs nothing of TensorFlow.js for what a thread does.
  if (backend === 'wasm') await selectBackend('wasm')
  const data = sharedData(memory)
  const engine = await openEngine(backend, data.architecture)
  const forward = forwardShards(data.validation.length)
  say({ type: 'ready' })
  for (;;) {
    // What the ticket is about was written before the ticket was, and stays until all of them are returned.
    const number = takeTicket() - Atomics.load(control, CONTROL.first)
    if (Atomics.load(control, CONTROL.task) === TASK.batch) {
      const batch = takeBatch(memory)
      const shard = shardsOf(batch.indices.length, memory.threads)[number]
      const { loss, gradient } = await shardGradient(engine, data, memory.parameters, batch, shard)
      const place = gradientOf(memory, number)
      place[0] = loss
      place.set(gradient, 1)
    } else {
      const shard = forward[number]
      memory.answers.set(await shardProbabilities(engine, data, memory.parameters, shard), shard.from * REGIMES.length)
    }
    returnTicket()
  }
}

work().catch((error) => say({ type: 'failed', reason: wordsOf(error) }))
