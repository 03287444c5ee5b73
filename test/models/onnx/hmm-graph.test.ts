import { afterAll, describe, expect, test } from 'vitest'
import type { Windows } from '#data/windows.ts'
import { estimateHmm, type HmmRegimeModel } from '#models/hmm/regime-model.ts'
import { writeHmmGraph } from '#models/onnx/hmm-graph.ts'
import { maxAbsDifference, PARITY_TOLERANCE } from '#models/onnx/parity.ts'
import { ModelProto } from '#models/onnx/schema.ts'
import { asRegimeModel, type OnnxSession, openOnnxSession } from '#models/onnx/session.ts'
import { describeRegimeModel, randomWindows } from '../conformance.ts'
import { randomHmm } from '../hmm/toy.ts'

const opened: OnnxSession[] = []

async function open(model: HmmRegimeModel): Promise<OnnxSession> {
  const session = await openOnnxSession(writeHmmGraph(model, {}), { threads: 1 })
  opened.push(session)
  return session
}

afterAll(() => Promise.all(opened.map((session) => session.dispose())))

for (const covarianceType of ['full', 'diagonal'] as const) {
  describeRegimeModel(`the HMM's ONNX graph (${covarianceType})`, async () => {
    const model = randomHmm(11, covarianceType)
    return asRegimeModel(await open(model), model)
  })

  describe(`the ONNX graph (${covarianceType}) says what the TypeScript model says`, () => {
    const compare = async (model: HmmRegimeModel, windows: Windows) =>
      maxAbsDifference(estimateHmm(model, windows), await (await open(model)).run(windows))

    test.each([1, 2, 3])('on windows with missing values and absent hours (model %d)', async (seed) => {
      const model = randomHmm(seed, covarianceType, 2 + seed)
      const options = { count: 200, knots: 20, channels: model.channels, seed, missing: 0.3, uneven: 0.2 }
      expect(await compare(model, randomWindows(options))).toBeLessThan(PARITY_TOLERANCE)
    })

    test('over gaps of about a day, with states that last for months', async () => {
      const model = randomHmm(9, covarianceType, 2)
      const lasting = { ...model, transition: [0.9999, 0.0001, 0.0003, 0.9997] }
      const windows = randomWindows({ count: 40, knots: 6, channels: model.channels, seed: 3 })
      for (const hours of [23, 24, 25, 500]) {
        const stretched = { ...windows, hours: windows.hours.map((_, i) => (i % 6) * hours) }
        expect(await compare(lasting, stretched)).toBeLessThan(PARITY_TOLERANCE)
      }
    })

    test('with any number of knots', async () => {
      const model = randomHmm(4, covarianceType)
      for (const knots of [1, 2, 48]) {
        const windows = randomWindows({ count: 3, knots, channels: model.channels, seed: knots })
        expect(await compare(model, windows)).toBeLessThan(PARITY_TOLERANCE)
      }
    })

    test('with features far out, where every density underflows', async () => {
      const model = randomHmm(5, covarianceType)
      const windows = randomWindows({ count: 50, knots: 10, channels: model.channels, seed: 6 })
      const far = { ...windows, features: windows.features.map((value) => value * 300) }
      expect(await compare(model, far)).toBeLessThan(PARITY_TOLERANCE)
    })

    test('with a covariance that is nearly singular', async () => {
      const model = randomHmm(7, covarianceType)
      const shrunk = { ...model, covariance: model.covariance.map((value) => value * 1e-6) }
      const windows = randomWindows({ count: 50, knots: 10, channels: model.channels, seed: 8 })
      expect(await compare(shrunk, windows)).toBeLessThan(PARITY_TOLERANCE)
    })
  })
}

test('the metadata are in the file', () => {
  const bytes = writeHmmGraph(randomHmm(1, 'full'), { channels: 'a,b', trainingId: 'x' })
  const decoded = ModelProto.toObject(ModelProto.decode(bytes))
  expect(decoded.metadataProps).toEqual([
    { key: 'channels', value: 'a,b' },
    { key: 'trainingId', value: 'x' },
  ])
})
