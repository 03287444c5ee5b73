import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { train } from '#jobs/workers/search-tasks.ts'
import { openRegistry } from '#models/registry.ts'
import { WheelOptions } from '#src/options.ts'
import type { DatasetRequest } from '#training/history.ts'
import type { TrialAnswer } from '#training/search/run-study.ts'
import { train as trainModel } from '#training/train.ts'
import { temporaryFolder } from '../../models/versions.ts'
import { csvMarket, TEST_FROM } from '../../training/search/csv-market.ts'
import { NOW, TINY } from '../../training/simulated.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const context = { now: () => NOW, progress: () => {}, logger }
const market = csvMarket()
const models = temporaryFolder()
const { id } = await trainModel({ kind: 'hmm', dataset: market, options: TINY, seed: 1, models }, context)

/** Gates that let nearly everything through. */
const EAGER = {
  requireEdge: false,
  kalmanFunding: { entryZ: 0.5 },
  ouFunding: { entryZ: 0.6, exitZ: 0.1 },
  validation: { enabled: false },
  hazard: { maxSignFlip: 1 },
  fusion: { minConviction: 0 },
}

const version = { models, kind: 'hmm', id }

async function trial(dataset: DatasetRequest, wheel: object, regimes: object = version) {
  const request = {
    task: 'wheel trial',
    number: 0,
    dataset,
    wheel: WheelOptions.parse(wheel),
    regimes,
  }
  const { seconds: _, ...answer } = (await train(request, context)) as TrialAnswer
  return answer
}

describe('a trial of the wheel', () => {
  it('answers with the Sharpe ratio of the validation fold, whatever happened in the test period', async () => {
    const answer = await trial(market, EAGER)
    expect(answer.state).toBe('complete')
    expect(answer.figures!.trades).toBeGreaterThan(0)
    const returns = answer.returns!
    const mean = returns.reduce((sum, value) => sum + value, 0) / returns.length
    const variance = returns.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (returns.length - 1)
    expect(answer.value).toBeCloseTo((mean / Math.sqrt(variance)) * Math.sqrt(8760), 9)
    // Compounded hour by hour the returns are what the account gained.
    const growth = returns.reduce((product, value) => product * (1 + value), 1)
    expect(10_000 * (growth - 1)).toBeCloseTo(answer.figures!.equityChange, 6)
    expect(await trial(csvMarket(TEST_FROM), EAGER)).toEqual(answer)
    expect(await trial(csvMarket(TEST_FROM - 40 * HOUR), EAGER)).not.toEqual(answer)
  })

  it('turns walk-forward over all history before the test period, with models that had not seen it', async () => {
    const regimes = { walkForward: 'hmm', everyDays: 7, training: TINY, seed: 1 }
    const answer = await trial(market, EAGER, regimes)
    expect(answer.state).toBe('complete')
    expect(answer.returns!.length).toBeGreaterThan((await trial(market, EAGER)).returns!.length)
    expect(await trial(csvMarket(TEST_FROM), EAGER, regimes)).toEqual(answer)
  })

  it('ranks a wheel that never traded behind all others instead of making up a ratio', async () => {
    const answer = await trial(market, { kalmanFunding: { entryZ: 50 }, ouFunding: { entryZ: 50 } })
    expect(answer).toMatchObject({ state: 'pruned', curve: [], figures: { trades: 0 } })
    expect(answer.value).toBeUndefined()
    expect(new Set(answer.returns)).toEqual(new Set([0]))
  })
})

describe('the tasks of the train queue', () => {
  it('are trainings unless they say otherwise', async () => {
    const request = { kind: 'hmm', dataset: market, options: TINY, seed: 1, models }
    expect(await train(request, context)).toMatchObject({ kind: 'hmm', id })
    expect(await openRegistry(models).list('hmm')).toEqual([id])
  })
})
