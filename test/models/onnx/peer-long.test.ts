import { describe, expect, test } from 'vitest'
import { sliceWindows } from '#data/windows.ts'
import { estimateHmm } from '#models/hmm/regime-model.ts'
import { writeHmmGraph } from '#models/onnx/hmm-graph.ts'
import { writeHmmStep } from '#models/onnx/hmm-step.ts'
import { maxAbsDifference } from '#models/onnx/parity.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import { openStepSession, streamWindows } from '#models/onnx/step-session.ts'
import { randomWindows } from '../conformance.ts'
import { randomHmm } from '../hmm/toy.ts'

const KNOTS = 10_000

describe.each(['full', 'diagonal'] as const)('over 10,000 knots the graphs of an HMM (%s)', (covarianceType) => {
  // Channels that all but repeat each other: variances of 1e-3, the floor of training, in every direction but one.
  const random = randomHmm(21, covarianceType, 3)
  const covariance =
    covarianceType === 'full'
      ? random.covariance.map((_, at) => 1 + (Math.floor((at % 16) / 4) === at % 4 ? 1e-3 : 0))
      : random.covariance.map(() => 1e-3)
  const model = { ...random, covariance }
  const windows = randomWindows({ count: 2, knots: KNOTS, channels: model.channels, seed: 5, missing: 0.2 })
  const expected = estimateHmm(model, windows)

  test('say what the filter in TypeScript says, which is finite', async () => {
    expect(expected.every(Number.isFinite)).toBe(true)
    const session = await openOnnxSession(writeHmmGraph(model, {}), { threads: 1 })
    expect(maxAbsDifference(expected, await session.run(windows))).toBeLessThan(1e-6)
    await session.dispose()
  })

  test('say it knot by knot too', async () => {
    const session = await openStepSession(writeHmmStep(model, {}), { threads: 1 })
    const answer = await streamWindows(session, sliceWindows(windows, 0, 1))
    expect(maxAbsDifference(expected.subarray(0, 3), answer)).toBeLessThan(1e-6)
    await session.dispose()
  })
})
