import { mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { buildWindows, windowRows } from '#data/windows.ts'
import { cutJobs } from '#jobs/cut-jobs.ts'
import { decodeFloat32 } from '#jobs/encoding.ts'
import { createInferProcessor } from '#jobs/workers/infer.ts'
import { openModels } from '#jobs/workers/open-serving.ts'
import { initialiseParameters } from '#models/classifier/parameters.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import { openRegistry } from '#models/registry.ts'
import { encodeSelfCheck } from '#models/self-check.ts'
import { randomWindows, SCALING, smallArchitecture } from '../../models/classifier/cases.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { makeTable, START } from '../tables.ts'

let modelsDirectory: string
beforeAll(async () => {
  modelsDirectory = await mkdtemp(join(tmpdir(), 'millrace-models-'))
})
afterAll(() => rm(modelsDirectory, { recursive: true, force: true }))

/** Puts a CDE with random weights into the store and makes it champion. */
async function promote(seed: number): Promise<string> {
  const random = createRandom(seed)
  const architecture = smallArchitecture()
  const onnx = writeNeuralCdeGraph(architecture, initialiseParameters(architecture, random), SCALING, {})
  const windows = randomWindows(random, 4, 6)
  const session = await openOnnxSession(onnx, { threads: 1 })
  const selfCheck = encodeSelfCheck(windows, await session.run(windows))
  await session.dispose()
  const registry = openRegistry(modelsDirectory)
  const content = {
    kind: 'cde' as const,
    channels: [...architecture.channels],
    knots: 6,
    label: { w: 12, kappa: 1.05 },
    scaling: { channels: [...SCALING.channels], median: [...SCALING.median], iqr: [...SCALING.iqr] },
    seed,
    configuration: {},
    data: { hash: 'none', origin: 'simulated:1', coins: ['BTC'], range: { from: 0, to: HOUR } },
    metrics: {},
    parity: { maxAbsDiff: 0, windows: 4 },
    millrace: '0.1.0',
  }
  const card = await registry.save({ content, files: { 'model.onnx': onnx, 'selfcheck.json': selfCheck }, now: START })
  await registry.promote('cde', card.id, 'champion', 'test', START)
  return card.id
}

const channels = ['return', 'return12', 'volatility', 'funding'] as const
const table = makeTable('BTC', 60, 5, 3, channels)
const jobs = () => cutJobs({ tables: [table], asOf: { from: START, to: START + 60 * HOUR }, rowsPerJob: 25 })

describe('an inference worker on the model store', () => {
  it('serves the champion, the next one after a promotion, and nothing once it is broken', async () => {
    const processor = createInferProcessor({ modelsDirectory, open: openModels, threads: 1, now: () => START, logger })
    const [job] = jobs()

    const before = await processor.process({ data: job })
    expect(before.servedBy).toEqual({ kind: 'none' })
    expect(before.degradations[0]).toMatch(/no cde is champion/)

    const first = await promote(1)
    const answer = await processor.process({ data: job })
    expect(answer.servedBy).toEqual({ kind: 'cde', id: first })
    expect(answer.windows).toBe(windowRows(table, 6).filter((row) => row < 25).length)

    const second = await promote(2)
    expect((await processor.process({ data: job })).servedBy.id).toBe(second)

    await promote(3)
    const third = await openRegistry(modelsDirectory).resolve('cde', 'champion')
    await truncate(join(modelsDirectory, 'cde', third, 'model.onnx'), 100)
    const after = await processor.process({ data: job })
    expect(after.servedBy).toEqual({ kind: 'none' })
    expect(after.estimates).toEqual([])
    expect(after.degradations[0]).toMatch(/model\.onnx has 100 bytes/)
    await processor.close()
  })

  it('answers slices of a table as the model answers the whole table', async () => {
    await promote(4)
    const processor = createInferProcessor({ modelsDirectory, open: openModels, threads: 1, now: () => START, logger })
    const { model, close } = await openModels(modelsDirectory, { now: START, threads: 1 })
    const rows = [...windowRows(table, 6)]
    const whole = await model!.estimate(
      buildWindows(
        rows.map((row) => ({ table, row })),
        6,
        channels,
      ),
    )
    const parts: number[] = []
    for (const job of jobs()) {
      const { estimates } = await processor.process({ data: job })
      for (const { probabilities } of estimates) parts.push(...decodeFloat32(probabilities, 'probabilities'))
    }
    expect(parts).toHaveLength(whole.length)
    for (const [i, value] of parts.entries()) expect(value).toBeCloseTo(whole[i], 6)
    await close()
    await processor.close()
  })
})
