import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ServingOpener } from '#jobs/workers/open-serving.ts'
import { createWarmServing } from '#jobs/workers/serving.ts'
import type { ServingOptions } from '#models/serving.ts'
import { closed, openModels } from '../fixtures/serving.ts'
import { silentLogger as logger } from '../silent-logger.ts'

let modelsDirectory: string
let opened: number
let time: number

beforeEach(async () => {
  modelsDirectory = await mkdtemp(join(tmpdir(), 'millrace-models-'))
  await mkdir(join(modelsDirectory, 'cde'))
  await promote('one')
  opened = 0
  time = 0
  closed.length = 0
})
afterEach(() => rm(modelsDirectory, { recursive: true, force: true }))

/** Moves the champion as the registry does: write beside, then rename. */
async function promote(id: string): Promise<void> {
  await writeFile(join(modelsDirectory, 'cde', 'champion.tmp'), id)
  await rename(join(modelsDirectory, 'cde', 'champion.tmp'), join(modelsDirectory, 'cde', 'champion'))
}

const open: ServingOpener = (directory, options) => {
  opened++
  return openModels(directory, options)
}
const warmServing = (opener = open) =>
  createWarmServing({ modelsDirectory, open: opener, now: () => time, longest: 1_000, logger })
const whoServes = (warm: ReturnType<typeof warmServing>) => warm.use({}, async ({ id }) => id)

describe('a warm serving', () => {
  it('opens a model once for many jobs', async () => {
    const warm = warmServing()
    expect(await Promise.all([whoServes(warm), whoServes(warm)])).toEqual(['one', 'one'])
    expect(await whoServes(warm)).toBe('one')
    expect(opened).toBeLessThanOrEqual(2)
    const before = opened
    await whoServes(warm)
    expect(opened).toBe(before)
    await warm.close()
    expect(closed).toContain('one')
  })

  it('takes a new champion for the next job and keeps the old one for those that have it', async () => {
    const warm = warmServing()
    let finish = () => {}
    const long = warm.use({}, async ({ id }) => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return id
    })
    await expect.poll(() => opened).toBe(1)
    await promote('two')
    expect(await whoServes(warm)).toBe('two')
    expect(closed).toEqual([])
    finish()
    expect(await long).toBe('one')
    expect(closed).toEqual(['one'])
  })

  it('looks again after a while, as a checkpoint may have expired', async () => {
    const warm = warmServing()
    await whoServes(warm)
    time = 999
    await whoServes(warm)
    expect(opened).toBe(1)
    time = 1_000
    await whoServes(warm)
    expect(opened).toBe(2)
    expect(closed).toEqual(['one'])
  })

  it('keeps one model per kind asked for', async () => {
    const warm = warmServing()
    await warm.use({ only: 'hmm' }, async () => {})
    await warm.use({ only: 'cde' }, async () => {})
    await warm.use({ only: 'hmm' }, async () => {})
    expect(opened).toBe(2)
  })

  it('keeps the versions that were asked for apart, and closes those not asked for in a while', async () => {
    const wishes: ServingOptions[] = []
    const warm = warmServing((directory, options) => {
      wishes.push(options)
      return open(directory, options)
    })
    const use = (id: string) => warm.use({ pinned: [{ kind: 'cde', id }] }, async () => {})
    for (const id of ['a', 'b', 'a', 'c', 'd', 'e', 'f']) await use(id)
    expect(wishes.map(({ pinned }) => pinned![0].id)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect(closed).toHaveLength(0)
    await use('g')
    expect(closed).toHaveLength(1)
    await use('a')
    expect(wishes).toHaveLength(7)
    await use('b')
    expect(wishes).toHaveLength(8)
  })

  it('tries again after it could not open', async () => {
    let failures = 1
    const warm = warmServing((directory, options) =>
      failures-- > 0 ? Promise.reject(new Error('half written')) : open(directory, options),
    )
    await expect(whoServes(warm)).rejects.toThrow('half written')
    expect(await whoServes(warm)).toBe('one')
  })
})
