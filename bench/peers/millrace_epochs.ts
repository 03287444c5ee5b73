import { selectBackend } from '#models/backend.ts'
import { lossAndGradient } from '#models/classifier/classifier.ts'
import { createAdamW } from '#training/adamw.ts'
import { batchOf, readPeerCase } from './case.ts'

/** Trains a case (`node millrace_epochs.ts <stem>`) and says what the Python programs beside this file say. */
const one = readPeerCase(process.argv[2])
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`)
const { parameters, labels } = one.numbers
await selectBackend('wasm')
const optimiser = createAdamW(parameters.length, { ...one, clipNorm: Number.POSITIVE_INFINITY })

async function epoch(first: boolean): Promise<number> {
  let loss = 0
  for (let from = 0; from < one.windows; from += one.batch) {
    const to = Math.min(from + one.batch, one.windows)
    const count = to - from
    const probabilities = new Float32Array(count * 3)
    for (let n = 0; n < count; n++) probabilities[n * 3 + labels[from + n]] = 1
    const weights = new Float32Array(count).fill(1 / count)
    const answer = await lossAndGradient(one.architecture, parameters, batchOf(one, from, to), {
      probabilities,
      weights,
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
