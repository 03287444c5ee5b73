import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { viewBars } from '#data/bars.ts'
import { computeFeatures, type FeatureTable } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import { buildWindows, windowRows } from '#data/windows.ts'
import { selectBackend } from '#models/backend.ts'
import { CdeConfiguration } from '#models/classifier/architecture.ts'
import { regimeProbabilities } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { initialiseParameters } from '#models/classifier/parameters.ts'
import { fitHmm } from '#models/hmm/fit.ts'
import { hmmAsRegimeModel } from '#models/hmm/regime-model.ts'
import { logisticRegimeModel } from '#models/logistic.ts'
import type { RegimeModel } from '#models/regime.ts'
import { ruleModel } from '#models/rule.ts'
import { fitScaling } from '#models/scaling.ts'
import { columnsOf } from '#training/dataset.ts'
import { centredLabels } from '#training/labels.ts'
import { fitLogistic } from '#training/logistic.ts'
import { randomBars } from './markets.ts'

const CHANNELS = ['return', 'return12', 'volatility', 'funding', 'volumeTrend', 'range']
const HOURS = 420

/** Every kind of model, fitted once on a market of its own. */
async function everyModel(): Promise<RegimeModel[]> {
  const bars = randomBars(100, 700)
  const table = computeFeatures(bars)
  const labels = centredLabels(bars, table)
  const rows = Array.from(windowRows(table, 13)).filter((row) => labels[row] < 3)
  const values = columnsOf(table, 168, 700, CHANNELS)
  const hmm = await fitHmm({
    sequences: [{ values, hours: Array.from({ length: 532 }, (_, i) => i), labels: labels.slice(168) }],
    channels: CHANNELS,
    options: { states: [3], restarts: 1, iterations: 5, knots: 12 },
    random: createRandom(1),
  })
  const linear = fitLogistic({
    ends: rows.map((row) => ({ table, row })),
    labels: Uint8Array.from(rows, (row) => labels[row]),
  })
  const architecture = {
    ...CdeConfiguration.parse({ hidden: 6, width: 6, readout: 6 }),
    channels: CHANNELS,
    counted: ['return'],
    context: [],
    knots: 12,
  }
  const scaling = fitScaling(CHANNELS, [values])
  const parameters = initialiseParameters(architecture, createRandom(2))
  const cde: RegimeModel = {
    name: 'cde',
    knots: 12,
    channels: CHANNELS,
    estimate: (windows) => regimeProbabilities(architecture, parameters, controlPath(windows, architecture, scaling)),
  }
  return [cde, hmmAsRegimeModel(hmm), logisticRegimeModel(linear), ruleModel([0.6, 0.5, 0.5])]
}

/** Estimates at every row of `table` up to and including `last` that allows a window. */
async function estimatesUpTo(model: RegimeModel, table: FeatureTable, last: number): Promise<Float32Array> {
  const rows = windowRows(table, model.knots).filter((row) => row <= last)
  return model.estimate(
    buildWindows(
      Array.from(rows, (row) => ({ table, row })),
      model.knots,
      model.channels,
    ),
  )
}

describe('estimates are causal', () => {
  let models: RegimeModel[]
  beforeAll(async () => {
    await selectBackend('wasm')
    models = await everyModel()
  })

  it('later bars change no earlier estimate, whatever the model and wherever bars are absent', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 230, max: HOURS - 40 }),
        async (seed, known) => {
          const all = randomBars(seed, HOURS, (hour) => (hour * 7919 + seed) % 29 === 0)
          const last = Math.min(known, all.openTime.length - 1)
          const whole = computeFeatures(all)
          const past = computeFeatures(viewBars(all, 0, last + 1))
          for (const model of models) {
            const then = await estimatesUpTo(model, past, last)
            const now = await estimatesUpTo(model, whole, last)
            expect(then.length).toBeGreaterThan(0)
            expect(then, model.name).toEqual(now)
          }
        },
      ),
      { numRuns: 15 },
    )
  })
})
