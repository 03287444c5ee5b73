import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type FitData, type FitTask, runFit } from '#training/walk-forward/fit.ts'
import { openFitCache } from '#training/walk-forward/fit-cache.ts'
import { fitOf, runFits } from '#training/walk-forward/fit-pool.ts'
import { temporaryFolder } from '../../models/versions.ts'
import { smallMarket } from './small.ts'

let data: FitData
let tasks: FitTask[]
beforeAll(async () => {
  const market = await smallMarket()
  data = market.data
  const task = (contestant: FitTask['contestant'], fold: number, seed: number): FitTask => ({
    contestant,
    fold: market.folds[fold],
    seed,
    target: 'centred',
  })
  tasks = [task('rule', 0, 1), task('cde', 1, 1), task('logistic', 0, 1), task('cde', 0, 2)]
})

describe('runFits', () => {
  it('gives in threads, in whatever order, what one after the other gives here', async () => {
    const done: number[] = []
    const results = await runFits(tasks, { data, threads: 2, onDone: (count) => done.push(count) })
    expect(done).toEqual([1, 2, 3, 4])
    expect(results.map(({ task }) => task)).toEqual(tasks)
    for (const [i, task] of tasks.entries()) expect(fitOf(results[i])).toEqual(await runFit(data, task))
  })

  it('takes from the cache what is there, and goes on from where it was cut off', async () => {
    const directory = join(temporaryFolder(), 'evaluations')
    const cache = await openFitCache({ directory, dataHash: 'ab', data, onUnusable: () => {} })
    const stopping = new AbortController()
    const cut = runFits(tasks, {
      data,
      threads: 1,
      cache,
      signal: stopping.signal,
      onDone: (count) => count === 2 && stopping.abort(new Error('enough')),
    })
    await expect(cut).rejects.toThrow('enough')
    const results = await runFits(tasks, { data, threads: 1, cache })
    expect(results.filter(({ cached }) => cached)).toHaveLength(2)
    const again = await runFits(tasks, { data, threads: 1, cache })
    expect(again.every(({ cached }) => cached)).toBe(true)
    expect(again.map(fitOf)).toEqual(results.map(fitOf))
  })

  it('tells of a fit that comes to nothing and does the others', async () => {
    const empty = { ...tasks[2], fold: { ...tasks[2].fold, train: { from: 0, to: 1 } } }
    const [failed, good] = await runFits([empty, tasks[0]], { data, threads: 1 })
    expect(failed.outcome).toEqual({ failure: expect.stringMatching(/without training windows/) })
    expect(fitOf(failed)).toBeUndefined()
    expect(fitOf(good)).toBeDefined()
  })

  it('does nothing once it was stopped', async () => {
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(runFits(tasks, { data, threads: 1, signal })).rejects.toThrow('stopped')
  })
})
