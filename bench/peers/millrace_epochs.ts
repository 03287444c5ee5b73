import { selectBackend } from '#models/backend.ts'
import { openEngine } from '#models/engines.ts'
import { createAdamW } from '#training/adamw.ts'
import { gradientsHere } from '#training/parallel/gradients.ts'
import { gradientsInThreads, type ThreadBackend } from '#training/parallel/threads.ts'
import { peerData, readPeerCase } from './case.ts'

/**
 * Trains a case (`node millrace_epochs.ts <stem> <backend> <threads>`) and says what the Python programs beside this file
 * say. Steps are those of a training: windows and paths are made anew for each batch.
 */
const [stem, backend, threads] = [process.argv[2], process.argv[3] as ThreadBackend, Number(process.argv[4])]
const one = readPeerCase(stem)
const data = peerData(one)
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`)
const { parameters, labels } = one.numbers
await selectBackend(backend)
const gradients =
  threads === 1
    ? gradientsHere(data, undefined, await openEngine(backend, one.architecture))
    : await gradientsInThreads(data, { threads, backend, batch: one.batch })
const optimiser = createAdamW(parameters.length, { ...one, clipNorm: Number.POSITIVE_INFINITY })

async function epoch(first: boolean): Promise<number> {
  let loss = 0
  for (let from = 0; from < one.windows; from += one.batch) {
    const count = Math.min(one.batch, one.windows - from)
    const probabilities = new Float32Array(count * 3)
    for (let n = 0; n < count; n++) probabilities[n * 3 + labels[from + n]] = 1
    const answer = await gradients.batch(parameters, {
      indices: Uint32Array.from({ length: count }, (_, n) => from + n),
      mirrored: new Uint8Array(count),
      targets: { probabilities, weights: new Float32Array(count).fill(1 / count) },
    })
    if (first && from === 0) say({ firstLoss: answer.loss })
    optimiser.step(parameters, answer.gradient)
    loss = answer.loss
  }
  return loss
}

let loss = await epoch(true)
const seconds: number[] = []
const cpuSeconds: number[] = []
for (let i = 0; i < one.epochs; i++) {
  const start = performance.now()
  const cpu = process.cpuUsage()
  loss = await epoch(false)
  seconds.push((performance.now() - start) / 1000)
  const { user, system } = process.cpuUsage(cpu)
  cpuSeconds.push((user + system) / 1e6)
}
say({ seconds, cpuSeconds, lastLoss: loss, versions: { node: process.version } })
process.exit(0)
