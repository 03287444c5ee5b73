import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FatalError } from '#data/errors.ts'
import { type Fit, type FitData, type FitTask, runFit } from '#training/walk-forward/fit.ts'
import { codeHash, type FitCacheOptions, openFitCache } from '#training/walk-forward/fit-cache.ts'
import { temporaryFolder } from '../../models/versions.ts'
import { smallMarket } from './small.ts'

let data: FitData
let task: FitTask
let fit: Fit
beforeAll(async () => {
  const market = await smallMarket()
  data = market.data
  task = { contestant: 'logistic', fold: market.folds[0], seed: 1, target: 'centred' }
  fit = await runFit(data, task)
})

let directory: string
let remarks: string[]
beforeEach(() => {
  directory = join(temporaryFolder(), 'evaluations')
  remarks = []
})

const open = (change: Partial<FitCacheOptions> = {}) =>
  openFitCache({ directory, dataHash: 'ab', data, onUnusable: (message) => remarks.push(message), ...change })

describe('the cache of fits', () => {
  it('gives back what was put in, to the last bit', async () => {
    const cache = await open()
    expect(await cache.read(task)).toBeUndefined()
    await cache.write(task, fit)
    expect(await (await open()).read(task)).toEqual(fit)
    expect(remarks).toEqual([])
  })

  it('takes nothing for the same that has other data, settings, fold, seed, label, coin or contestant', async () => {
    await (await open()).write(task, fit)
    const other = { ...data.options, knots: 9 }
    for (const cache of [await open({ dataHash: 'cd' }), await open({ data: { ...data, options: other } })]) {
      expect(await cache.read(task)).toBeUndefined()
    }
    const cache = await open()
    const fold = { ...task.fold, test: { ...task.fold.test, to: task.fold.test.to + 1 } }
    for (const change of [
      { seed: 2 },
      { fold },
      { target: 'forecast' as const },
      { without: 'BTC' },
      { contestant: 'rule' as const },
    ]) {
      expect(await cache.read({ ...task, ...change })).toBeUndefined()
    }
  })

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 10)],
    ['changed', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 60), Buffer.from([7]), bytes.subarray(61)])],
    ['empty', () => Buffer.alloc(0)],
  ])('does not use an entry that is %s, and says so', async (_, damage) => {
    const cache = await open()
    await cache.write(task, fit)
    const [name] = await readdir(directory)
    await writeFile(join(directory, name), damage(await readFile(join(directory, name))))
    expect(await cache.read(task)).toBeUndefined()
    expect(remarks).toEqual([expect.stringMatching(/is damaged and not used/)])
    await cache.write(task, fit)
    expect(await cache.read(task)).toEqual(fit)
  })

  it('names the file where it cannot write', async () => {
    const blocked = temporaryFolder()
    await writeFile(join(blocked, 'file'), '')
    const cache = await open({ directory: join(blocked, 'file') })
    await expect(cache.write(task, fit)).rejects.toThrow(FatalError)
  })

  it('knows its own code', async () => {
    expect(await codeHash()).toMatch(/^[0-9a-f]{64}$/)
    expect(await codeHash()).toBe(await codeHash())
  })
})
