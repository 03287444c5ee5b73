import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, utimesSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { UnavailableError } from '#data/errors.ts'
import { isAbandoned, ownerName, parseOwner } from '#models/owner.ts'
import { lockHolder, withRegistryLock } from '#models/registry-lock.ts'
import { temporaryFolder } from './versions.ts'

let directory: string
beforeEach(() => {
  directory = temporaryFolder()
})

/** A lock as somebody else would have put it there. */
function foreignLock(name: string): void {
  mkdirSync(join(directory, '.lock', name), { recursive: true })
}

const HOUR = 3_600_000
const take = (patience?: number) => withRegistryLock(directory, async () => 'mine', patience)

describe('an owner', () => {
  test('is told by name, and is there while it runs', async () => {
    const name = await ownerName()
    expect(parseOwner(name)).toEqual({ pid: process.pid, host: hostname() })
    expect(await isAbandoned(name, 24 * HOUR)).toBe(false)
    expect(await ownerName()).not.toBe(name)
  })

  test('has ended where its process has, or its number belongs to another one now', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    const name = await ownerName()
    expect(await isAbandoned(name.replace(/^\d+/, String(pid)), 0)).toBe(true)
    if (process.platform === 'linux') expect(await isAbandoned(name.replace(/\.\d+\./, '.17.'), 0)).toBe(true)
  })

  test('on another machine has ended when nothing was heard for long', async () => {
    const name = (await ownerName()).replace(/@.*/, '@elsewhere')
    expect(await isAbandoned(name, HOUR / 60)).toBe(false)
    expect(await isAbandoned(name, HOUR)).toBe(true)
    expect(await isAbandoned('123-456', HOUR / 60)).toBe(false)
    expect(await isAbandoned('123-456', HOUR)).toBe(true)
  })
})

describe('the lock of a registry', () => {
  test('lets one in at a time and leaves nothing behind', async () => {
    let inside = 0
    const seen: number[] = []
    const enter = () =>
      withRegistryLock(directory, async () => {
        seen.push(++inside)
        await new Promise((resolve) => setTimeout(resolve, 2))
        inside--
      })
    await Promise.all(Array.from({ length: 8 }, enter))
    expect(seen).toEqual(Array(8).fill(1))
    expect(readdirSync(directory)).toEqual([])
  })

  test('is let go when the work fails', async () => {
    await expect(withRegistryLock(directory, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await take()).toBe('mine')
    expect(await lockHolder(directory)).toBeUndefined()
  })

  test('of one who is there is waited for, then refused by name', async () => {
    await withRegistryLock(directory, async () => {
      expect(await lockHolder(directory)).toEqual({ pid: process.pid, host: hostname() })
      await expect(take(20)).rejects.toBeInstanceOf(UnavailableError)
      await expect(take(20)).rejects.toThrow(`is being changed by process ${process.pid} on ${hostname()}`)
    })
    expect(readdirSync(directory)).toEqual([])
  })

  test('of a process that has ended is taken over, by one of those who want it', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    foreignLock((await ownerName()).replace(/^\d+/, String(pid)))
    expect(await lockHolder(directory)).toBeUndefined()
    expect(await Promise.all([take(), take(), take()])).toEqual(['mine', 'mine', 'mine'])
    expect(readdirSync(directory)).toEqual([])
  })

  test('of another machine is taken over when it is old', async () => {
    const name = (await ownerName()).replace(/@.*/, '@elsewhere')
    foreignLock(name)
    await expect(take(20)).rejects.toThrow('on elsewhere')
    const before = new Date(Date.now() - HOUR)
    utimesSync(join(directory, '.lock', name), before, before)
    expect(await take()).toBe('mine')
  })

  test('that was left empty is nobody’s', async () => {
    mkdirSync(join(directory, '.lock'))
    expect(await take()).toBe('mine')
  })
})
