import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { allocateBars, type Bars, HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { buildMarkets } from '#training/dataset.ts'
import { NO_LABEL } from '#training/labels.ts'
import { CONTESTANTS } from '#training/walk-forward/contestants.ts'
import { type FitData, type FitTask, foldSamples, runFit } from '#training/walk-forward/fit.ts'
import type { Fold } from '#training/walk-forward/folds.ts'
import { calibrateFit } from '#training/walk-forward/score-fit.ts'
import { smallMarket } from './small.ts'

let data: FitData
let folds: Fold[]
beforeAll(async () => {
  ;({ data, folds } = await smallMarket())
})

const taskOf = (contestant: FitTask['contestant'], change: Partial<FitTask> = {}): FitTask => ({
  contestant,
  fold: folds[0],
  seed: 1,
  target: 'centred',
  ...change,
})

/** The same market with other prices in every hour that is known at `time` or later. */
function rewritten(bars: Bars, time: number, seed: number): Bars {
  const copy = allocateBars(bars.coin, bars.openTime.length)
  const random = createRandom(seed).fork(bars.coin)
  for (const column of ['openTime', 'open', 'high', 'low', 'close', 'volume', 'funding', 'openInterest'] as const) {
    copy[column].set(bars[column])
  }
  for (let row = 0; row < bars.openTime.length; row++) {
    if (bars.openTime[row] + HOUR < time) continue
    const factor = Math.exp(0.03 * random.normal())
    for (const column of ['open', 'high', 'low', 'close'] as const) copy[column][row] *= factor
    copy.volume[row] *= Math.exp(random.normal())
  }
  return copy
}

describe.each(CONTESTANTS)('a fit of %s', (contestant) => {
  it('gives the same for the same task, and another where the seed has a say', async () => {
    const [first, again, other] = [
      await runFit(data, taskOf(contestant)),
      await runFit(data, taskOf(contestant)),
      await runFit(data, taskOf(contestant, { seed: 2 })),
    ]
    expect(again).toEqual(first)
    if (contestant === 'logistic' || contestant === 'rule') expect(other).toEqual(first)
    else expect(other.model).not.toEqual(first.model)
  })

  it('answers every hour of validation and test with a distribution', async () => {
    const fit = await runFit(data, taskOf(contestant))
    for (const part of ['validation', 'test'] as const) {
      const { ends } = foldSamples(data, folds[0], part)
      expect(ends.length).toBeGreaterThan(20)
      expect(fit[part]).toHaveLength(ends.length * 3)
      for (let i = 0; i < ends.length; i++) {
        const [a, b, c] = fit[part].subarray(i * 3, i * 3 + 3)
        expect(a + b + c).toBeCloseTo(1, 4)
      }
    }
  })

  it('is not changed by anything of the test block or later: neither weights, nor validation, nor calibration', async () => {
    const before = await runFit(data, taskOf(contestant))
    const { labels } = foldSamples(data, folds[0], 'validation')
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), async (seed) => {
        const markets = buildMarkets(data.markets.map(({ bars }) => rewritten(bars, folds[0].test.from, seed)))
        const after = await runFit({ ...data, markets }, taskOf(contestant))
        expect(after.model).toEqual(before.model)
        expect(after.validation).toEqual(before.validation)
        expect(calibrateFit(labels, after)).toEqual(calibrateFit(labels, before))
        // The block itself did change.
        expect(after.test).not.toEqual(before.test)
      }),
      { numRuns: 2 },
    )
  })
})

describe('a fit', () => {
  it('learns from labels before the embargo only', async () => {
    const fitted = (await runFit(data, taskOf('logistic'))).model
    const relabelled = (chosen: (asOf: number) => boolean): FitData => ({
      ...data,
      markets: data.markets.map((market) => ({
        ...market,
        labels: market.labels.map((label, row) =>
          label !== NO_LABEL && chosen(market.features.asOf[row]) ? (label + 1) % 3 : label,
        ),
      })),
    })
    const { train } = folds[0]
    const purged = relabelled((asOf) => asOf >= train.to - 12 * HOUR)
    expect((await runFit(purged, taskOf('logistic'))).model).toEqual(fitted)
    const earlier = relabelled((asOf) => asOf < train.to - 12 * HOUR)
    expect((await runFit(earlier, taskOf('logistic'))).model).not.toEqual(fitted)
  })

  it('can leave a coin out of training, and is tested on the same hours', async () => {
    const whole = await runFit(data, taskOf('logistic'))
    const without = await runFit(data, taskOf('logistic', { without: 'BTC' }))
    expect(without.model).not.toEqual(whole.model)
    expect(without.test).toHaveLength(whole.test.length)
  })

  it('can be trained on the forecast label', async () => {
    const forecast = await runFit(data, taskOf('logistic', { target: 'forecast' }))
    expect(forecast.model).not.toEqual((await runFit(data, taskOf('logistic'))).model)
  })
})
