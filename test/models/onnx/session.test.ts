import { describe, expect, test, vi } from 'vitest'
import { ModelError } from '#data/errors.ts'
import { writeHmmGraph } from '#models/onnx/hmm-graph.ts'
import { checkParity, maxAbsDifference } from '#models/onnx/parity.ts'
import { asRegimeModel, openOnnxSession } from '#models/onnx/session.ts'
import { writeModel } from '#models/onnx/writer.ts'
import { randomWindows } from '../conformance.ts'
import { randomHmm } from '../hmm/toy.ts'
import { nativeSession } from './native-session.ts'

const model = randomHmm(1, 'diagonal')
const bytes = writeHmmGraph(model, {})
const windows = randomWindows({ count: 25, knots: 6, channels: model.channels, seed: 1 })

/** A graph with the right inputs whose output is `row` for every window. */
function constantGraph(row: number[], channels = 4, output = 'probabilities'): Uint8Array {
  const dims = ['batch', 'knots', channels]
  return writeModel(
    {
      name: 'constant',
      inputs: [
        { name: 'features', type: 'float32', dims },
        { name: 'hours', type: 'float32', dims: ['batch', 'knots'] },
        { name: 'mask', type: 'float32', dims },
      ],
      outputs: [{ name: output, type: 'float32', dims: ['batch', 3] }],
      metadata: {},
    },
    (g) => {
      const all = g.node('Add', [g.node('Add', ['features', 'mask']), g.node('Unsqueeze', ['hours', g.ints(2)])])
      const zero = g.node('Mul', [g.node('ReduceSum', [all, g.ints(1, 2)], { keepdims: 0 }), g.scalar(0)])
      g.node('Add', [g.node('Unsqueeze', [zero, g.ints(1)]), g.constant(row, [1, 3])], {}, output)
    },
  )
}

describe('an ONNX session', () => {
  test('gives the same in small batches as in one', async () => {
    const whole = await openOnnxSession(bytes, { threads: 1 })
    const split = await openOnnxSession(bytes, { threads: 1, largestBatch: 4 })
    expect(maxAbsDifference(await whole.run(windows), await split.run(windows))).toBeLessThan(1e-6)
    await whole.dispose()
    await split.dispose()
  })

  test.each([
    ['empty bytes', new Uint8Array()],
    ['text', Buffer.from('not a model')],
    ['a truncated file', bytes.subarray(0, bytes.length / 2)],
  ])('refuses %s', async (_, broken) => {
    await expect(openOnnxSession(broken)).rejects.toThrow(ModelError)
    await expect(openOnnxSession(broken)).rejects.toThrow('not a usable ONNX model')
  })

  test('frees a graph that it refuses', async () => {
    const release = vi.spyOn(nativeSession, 'release')
    await expect(openOnnxSession(constantGraph([1, 0, 0], 4, 'scores'))).rejects.toThrow(ModelError)
    expect(release).toHaveBeenCalledTimes(1)
    release.mockRestore()
  })

  test('refuses a graph whose output has another name', async () => {
    await expect(openOnnxSession(constantGraph([1, 0, 0], 4, 'scores'))).rejects.toThrow(
      'outputs scores float32 [batch,3]; it must have probabilities',
    )
  })

  test.each([
    ['do not sum to one', [0.5, 0.5, 0.5], 'sum to 1.5'],
    ['are below zero', [1.5, -0.5, 0], 'window 0 the probability -0.5'],
    ['are not numbers', [Number.NaN, 0, 0], 'sum to NaN'],
  ])('refuses probabilities that %s', async (_, row, message) => {
    const session = await openOnnxSession(constantGraph(row))
    await expect(session.run(windows)).rejects.toThrow(message)
    await session.dispose()
  })

  test('refuses windows of another width', async () => {
    const session = await openOnnxSession(constantGraph([1, 0, 0], 5))
    await expect(session.run(windows)).rejects.toThrow('takes 5 channels')
    await session.dispose()
  })

  test('refuses windows with the right number of channels but other ones', async () => {
    const session = await openOnnxSession(bytes)
    const regimeModel = asRegimeModel(session, model)
    const other = { ...windows, channels: [...windows.channels].reverse() }
    await expect(regimeModel.estimate(other)).rejects.toThrow('the model needs return,return12')
    await session.dispose()
  })

  test('cannot be used after it is closed, and closing twice is harmless', async () => {
    const session = await openOnnxSession(bytes)
    await session.dispose()
    await session.dispose()
    await expect(session.run(windows)).rejects.toThrow('closed')
  })
})

describe('parity', () => {
  test('is the largest absolute difference', () => {
    expect(maxAbsDifference([1, 2], [1.5, 1])).toBe(1)
    expect(maxAbsDifference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY)
  })

  test('fails at 1e-5, and on anything that is not a number', () => {
    expect(checkParity('m', [0.5], [0.5 + 9e-6])).toBeCloseTo(9e-6, 8)
    expect(() => checkParity('m', [0], [1e-5])).toThrow('m fails its parity check')
    expect(() => checkParity('m', [0], [Number.NaN])).toThrow(ModelError)
    expect(() => checkParity('m', [Number.NaN, 0], [0, 0])).toThrow(ModelError)
  })
})
