import { describe, expect, test } from 'vitest'
import { createRandom } from '#data/random.ts'
import { sliceWindows, type Windows } from '#data/windows.ts'
import { REGIMES, type RegimeModel } from '#models/regime.ts'

export interface RandomWindowsOptions {
  readonly count: number
  readonly knots: number
  readonly channels: readonly string[]
  readonly seed: number
  /** Probability of a missing value. */
  readonly missing?: number
  /** Probability that hours are absent between two knots. */
  readonly uneven?: number
}

/** Windows of random features with missing values and absent hours, the way a market with faults gives them. */
export function randomWindows(options: RandomWindowsOptions): Windows {
  const { count, knots, channels, missing = 0.1, uneven = 0.1 } = options
  const random = createRandom(options.seed)
  const features = new Float32Array(count * knots * channels.length)
  const mask = new Float32Array(features.length)
  const hours = new Float32Array(count * knots)
  for (let i = 0; i < features.length; i++) {
    const value = random.normal()
    if (random.uniform() < missing) continue
    features[i] = value
    mask[i] = 1
  }
  for (let n = 0; n < count; n++) {
    for (let knot = 1; knot < knots; knot++) {
      const absent = random.uniform() < uneven ? 1 + random.integer(40) : 0
      hours[n * knots + knot] = hours[n * knots + knot - 1] + 1 + absent
    }
  }
  return {
    count,
    knots,
    channels,
    features,
    hours,
    mask,
    coin: Array.from({ length: count }, () => 'TEST'),
    asOf: new Float64Array(count),
  }
}

/** Windows as `windows`, with every value missing. */
export function allMissing(windows: Windows): Windows {
  return {
    ...windows,
    features: new Float32Array(windows.features.length),
    mask: new Float32Array(windows.mask.length),
  }
}

function expectDistributions(probabilities: Float32Array, count: number): void {
  expect(probabilities).toHaveLength(count * REGIMES.length)
  for (let row = 0; row < count; row++) {
    const values = [...probabilities.subarray(row * REGIMES.length, (row + 1) * REGIMES.length)]
    for (const value of values) expect(value).toBeGreaterThanOrEqual(0)
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5)
  }
}

/** What every regime model must keep, whatever is inside. */
export function describeRegimeModel(name: string, make: () => Promise<RegimeModel> | RegimeModel): void {
  describe(`${name} is a regime model`, () => {
    const windowsFor = (model: RegimeModel, seed = 1, count = 9) =>
      randomWindows({ count, knots: model.knots, channels: model.channels, seed })

    test('its probabilities are distributions', async () => {
      const model = await make()
      expectDistributions(await model.estimate(windowsFor(model)), 9)
    })

    test('the same windows get the same answer', async () => {
      const model = await make()
      const windows = windowsFor(model)
      expect(await model.estimate(windows)).toEqual(await model.estimate(windows))
    })

    test('an answer does not depend on the other windows of the batch', async () => {
      const model = await make()
      const windows = windowsFor(model, 2)
      const whole = await model.estimate(windows)
      const parts = [sliceWindows(windows, 0, 1), sliceWindows(windows, 1, 4), sliceWindows(windows, 4, 9)]
      const answers = await Promise.all(parts.map((part) => model.estimate(part)))
      const joined = answers.flatMap((answer) => [...answer])
      joined.forEach((value, i) => {
        expect(Math.abs(value - whole[i])).toBeLessThan(1e-5)
      })
    })

    test('it reads its windows without changing them', async () => {
      const model = await make()
      const windows = windowsFor(model, 3)
      const before = structuredClone(windows)
      await model.estimate(windows)
      expect(windows).toEqual(before)
    })

    test('windows without any value still get a distribution', async () => {
      const model = await make()
      const windows = allMissing(windowsFor(model))
      expectDistributions(await model.estimate(windows), windows.count)
    })

    test('what stands under the mask does not matter', async () => {
      const model = await make()
      const windows = windowsFor(model, 4)
      const littered = windows.features.map((value, i) => (windows.mask[i] === 0 ? 7 : value))
      expect(await model.estimate({ ...windows, features: littered })).toEqual(await model.estimate(windows))
    })

    test('no windows, no estimates', async () => {
      const model = await make()
      expect(await model.estimate(sliceWindows(windowsFor(model), 0, 0))).toHaveLength(0)
    })
  })
}
