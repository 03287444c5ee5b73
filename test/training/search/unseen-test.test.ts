import { describe, expect, it, vi } from 'vitest'
import { HOUR } from '#data/bars.ts'
import type { DatasetRequest } from '#training/history.ts'
import { prepareDataset } from '#training/prepare.ts'
import { modelTrial } from '#training/search/model-trial.ts'
import { prepareWithoutTest } from '#training/search/unseen-test.ts'
import { silentLogger as logger } from '../../jobs/silent-logger.ts'
import { nativeSession } from '../../models/onnx/native-session.ts'
import { NOW, TINY } from '../simulated.ts'
import { csvMarket, TEST_FROM } from './csv-market.ts'

const context = { now: () => NOW, progress: () => {}, logger }

async function trial(dataset: DatasetRequest, bars: (number | null)[] = [], options = TINY) {
  const { seconds: _, ...answer } = await modelTrial(
    { task: 'model trial', number: 0, dataset, options, seed: 3, bars },
    context,
  )
  return answer
}

const market = csvMarket()
const otherTest = csvMarket(TEST_FROM)
const otherValidation = csvMarket(TEST_FROM - 40 * HOUR)

describe('a search', () => {
  it('has no bar that was not known when the test period began, and the folds of the whole range', async () => {
    const whole = await prepareDataset(market, context)
    const { markets, split } = await prepareWithoutTest(market, context)
    expect(split).toEqual(whole.split)
    for (const { bars } of markets) expect(bars.openTime.at(-1)).toBe(TEST_FROM - HOUR)
  })

  it('gives the same answer whatever happened in the test period', async () => {
    const hash = async (request: DatasetRequest) => (await prepareWithoutTest(request, context)).hash
    expect(await hash(otherTest)).toBe(await hash(market))
    expect(await hash(otherValidation)).not.toBe(await hash(market))
    const answer = await trial(market)
    expect(answer).toMatchObject({ state: 'complete', curve: [expect.any(Number), expect.any(Number)] })
    expect(answer.value).toBe(Math.min(...answer.curve))
    expect(await trial(otherTest)).toEqual(answer)
    expect(await trial(otherValidation)).not.toEqual(answer)
  })

  it('ends a trial at the first epoch that is worse than the median', async () => {
    const [first] = (await trial(market)).curve
    expect(await trial(market, [first + 0.01, first + 0.01])).toMatchObject({ state: 'complete' })
    const pruned = await trial(market, [first - 0.01, null])
    expect(pruned).toEqual({ state: 'pruned', curve: [first], reason: expect.stringMatching(/after epoch 1/) })
  })

  it('fits on the backend that it is told to', async () => {
    const run = vi.spyOn(nativeSession, 'run')
    const { curve } = await trial(market)
    expect(run).not.toHaveBeenCalled()
    const mine = await trial(market, [], { ...TINY, backend: 'onnxruntime' })
    expect(run).toHaveBeenCalled()
    for (const [i, loss] of curve.entries()) expect(mine.curve[i]).toBeCloseTo(loss, 4)
  })

  it('says what is wrong with a request', async () => {
    await expect(modelTrial({ task: 'model trial' }, context)).rejects.toThrow(/model trial: number/)
  })
})
