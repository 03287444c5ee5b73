import { describe, expect, it } from 'vitest'
import { ModelError } from '#data/errors.ts'
import { FEATURES, type FeatureTable } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import { buildWindows, concatenateWindows, sliceWindows, type Windows } from '#data/windows.ts'
import { mergeRuns } from '#jobs/workers/merged-runs.ts'
import { CdeConfiguration } from '#models/classifier/architecture.ts'
import { initialiseParameters } from '#models/classifier/parameters.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import type { RegimeModel } from '#models/regime.ts'
import { makeTable } from '../tables.ts'

const KNOTS = 24

function windowsOf(table: FeatureTable, rows: readonly number[], knots = KNOTS): Windows {
  return buildWindows(
    rows.map((row) => ({ table, row })),
    knots,
    table.channels,
  )
}
const table = makeTable('BTC', 100, 1, 3, FEATURES)

/** Answers each window with its hour, and counts its runs. */
function countingModel(fails: (windows: Windows) => boolean = () => false) {
  const runs: number[] = []
  const model: RegimeModel = {
    name: 'counting',
    knots: KNOTS,
    channels: FEATURES,
    async estimate(windows) {
      runs.push(windows.count)
      if (fails(windows)) throw new ModelError('numbers that make no sense')
      return Float32Array.from({ length: 3 * windows.count }, (_, i) => windows.asOf[Math.floor(i / 3)] % 1e7)
    },
  }
  return { model, runs }
}

describe('merged runs', () => {
  it('put all that is asked at a time through the model at once, and give everybody their own', async () => {
    const { model, runs } = countingModel()
    const merged = mergeRuns(model)
    const asked = [[27], [28, 29, 30], [], [50, 51]].map((rows) => windowsOf(table, rows))
    const answers = await Promise.all(asked.map((windows) => merged.estimate(windows)))
    expect(runs.toSorted()).toEqual([0, 6])
    for (const [i, windows] of asked.entries())
      expect(answers[i]).toEqual(await countingModel().model.estimate(windows))
    await merged.estimate(asked[1])
    expect(runs).toHaveLength(3)
  })

  it('do not put windows of different lengths beside each other', async () => {
    const { model, runs } = countingModel()
    const merged = mergeRuns(model)
    await Promise.all([merged.estimate(windowsOf(table, [40, 41])), merged.estimate(windowsOf(table, [40, 41], 8))])
    expect(runs).toEqual([2, 2])
  })

  it('leave large batches alone', async () => {
    const { model, runs } = countingModel()
    const merged = mergeRuns(model)
    const large = windowsOf(table, Array<number>(256).fill(40))
    await Promise.all([merged.estimate(large), merged.estimate(large)])
    expect(runs).toEqual([256, 256])
  })

  it('do not wait for more where there is enough', async () => {
    const { model, runs } = countingModel()
    const merged = mergeRuns(model)
    const half = windowsOf(table, Array<number>(130).fill(40))
    const [first, second, third] = [half, half, half].map((windows) => merged.estimate(windows))
    await Promise.all([first, second])
    expect(runs).toEqual([260])
    await third
    expect(runs).toEqual([260, 130])
  })

  it('make nobody bear the fault of another', async () => {
    const poison = table.asOf[50]
    const { model } = countingModel(({ asOf }) => asOf.includes(poison))
    const merged = mergeRuns(model)
    const [good, bad, other] = await Promise.allSettled(
      [[30], [50], [80, 81]].map((rows) => merged.estimate(windowsOf(table, rows))),
    )
    expect([good.status, bad.status, other.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(bad).toHaveProperty('reason.message', 'numbers that make no sense')
  })

  it('tell a window the same to the last bit in whatever company it comes', async () => {
    const configuration = CdeConfiguration.parse({ solver: 'euler' })
    const architecture = { ...configuration, channels: FEATURES, counted: [], context: FEATURES.slice(7), knots: KNOTS }
    const scaling = { channels: [...FEATURES], median: FEATURES.map(() => 0), iqr: FEATURES.map(() => 1) }
    const parameters = initialiseParameters(architecture, createRandom(1))
    const session = await openOnnxSession(writeNeuralCdeGraph(architecture, parameters, scaling, {}), { threads: 1 })
    const merged = mergeRuns({ name: 'cde', knots: KNOTS, channels: FEATURES, estimate: (w) => session.run(w) })
    const rows = Array.from({ length: 40 }, (_, i) => 30 + i)
    const alone: Float32Array[] = []
    for (const row of rows) alone.push(await merged.estimate(windowsOf(table, [row])))
    for (const size of [2, 3, 7, 40]) {
      const together = await Promise.all(rows.slice(0, size).map((row) => merged.estimate(windowsOf(table, [row]))))
      expect(together).toEqual(alone.slice(0, size))
    }
    await session.dispose()
  })
})

describe('concatenated windows', () => {
  it('are the batches one after the other', () => {
    const all = windowsOf(table, [30, 31, 50, 51, 52])
    expect(concatenateWindows([sliceWindows(all, 0, 2), sliceWindows(all, 2, 5)])).toEqual(all)
  })
})
