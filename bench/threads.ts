import { availableParallelism } from 'node:os'
import { createRandom } from '#data/random.ts'
import { createAdamW } from '#training/adamw.ts'
import { type Gradients, gradientsHere } from '#training/parallel/gradients.ts'
import type { Batch } from '#training/parallel/shards.ts'
import { gradientsInThreads, type ThreadBackend } from '#training/parallel/threads.ts'
import { randomCde, randomTraining, uniformTargets } from './cases.ts'
import { type Suite, type Table, timeCases, type Work } from './suite.ts'

const BATCH = 256
/** Windows that batches are drawn from. */
const WINDOWS = 4096

/** The size that the promise speaks of, and the size that is trained. */
const SIZES = [
  { hidden: 64, width: 128, knots: 48 },
  { hidden: 32, width: 32, knots: 24 },
]

function trainingOf(size: (typeof SIZES)[number]) {
  const { architecture, parameters } = randomCde(size)
  const data = randomTraining(architecture, WINDOWS, 1)
  const random = createRandom(5)
  const batch: Batch = {
    indices: Uint32Array.from({ length: BATCH }, () => random.integer(WINDOWS)),
    mirrored: Uint8Array.from({ length: BATCH }, () => random.integer(2)),
    targets: { ...uniformTargets(BATCH), dropout: new Float32Array(BATCH * size.hidden).fill(1) },
  }
  return { data, parameters, batch }
}

/** Training steps, from windows to moved weights, on one thread and on as many as there are cores. */
export const threads: Suite = async ({ seconds, backend }) => {
  if (backend !== 'wasm') {
    return [
      { title: 'training in threads', unit: '-', rows: [], remarks: [`threads are for wasm, not for ${backend}`] },
    ]
  }
  const tables: Table[] = []
  for (const size of SIZES) {
    const { data, parameters, batch } = trainingOf(size)
    const opened: Gradients[] = []
    const open = async (count: number, on: ThreadBackend) => {
      opened.push(await gradientsInThreads(data, { threads: count, batch: BATCH, backend: on }))
      return opened[opened.length - 1]
    }
    const stepOn = (gradients: Gradients): Work => {
      const weights = parameters.slice()
      const optimiser = createAdamW(weights.length, { learningRate: 1e-4, weightDecay: 0, clipNorm: 1 })
      return async () => {
        optimiser.step(weights, (await gradients.batch(weights, batch)).gradient)
      }
    }
    const cases: Record<string, Work> = {
      'this process': stepOn(gradientsHere(data)),
      'one thread': stepOn(await open(1, 'wasm')),
      'one thread, onnxruntime': stepOn(await open(1, 'onnxruntime')),
    }
    for (const count of new Set([2, availableParallelism()])) {
      if (count === 1) continue
      cases[`${count} threads`] = stepOn(await open(count, 'wasm'))
      cases[`${count} threads, onnxruntime`] = stepOn(await open(count, 'onnxruntime'))
    }
    const rows = await timeCases(cases, { seconds, divisor: BATCH, reference: 'this process' })
    await Promise.all(opened.map((gradients) => gradients.close()))
    const { hidden, width, knots } = size
    tables.push({
      title: `training step, ${BATCH} windows, ${knots} knots, 7 channels, hidden ${hidden}, width ${width}`,
      unit: 'ms a window',
      rows,
      remarks: [`${availableParallelism()} cores; the losses agree to 1e-5`],
    })
  }
  return tables
}
