import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { InputError } from '#data/errors.ts'
import { ownerName } from '#models/owner.ts'
import type { ServedKind } from '#models/regime.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { DAY, expireVersions, expiryOf } from '#models/registry-expiry.ts'
import { promoteVersions, recordVerdict } from '#models/registry-promotion.ts'
import { findVersion, listVersions, showVersion } from '#models/registry-view.ts'
import { tinyVersion } from './fixtures/tiny-version.ts'
import { NOW, temporaryFolder } from './versions.ts'

let registry: Registry
beforeEach(() => {
  registry = openRegistry(temporaryFolder())
})

/** A version so many days old. */
async function save(days: number, kind: ServedKind = 'cde') {
  const { id } = await registry.save(tinyVersion(kind, NOW - days * DAY))
  return { kind, id }
}
const folderOf = ({ kind, id }: { kind: ServedKind; id: string }) => join(registry.directory, kind, id)
const reason = 'test'

describe('expiry', () => {
  test('by name or by age is logged, and once', async () => {
    const [a, b, c] = [await save(40), await save(20), await save(1)]
    const { expired } = await expireVersions(registry, { versions: [c], olderThan: 30 * DAY, reason, now: NOW })
    expect(expired).toEqual([a, c])
    const again = await expireVersions(registry, { versions: [c], olderThan: 30 * DAY, reason, now: NOW })
    expect(again.expired).toEqual([])
    const { versions } = await listVersions(registry, { now: NOW })
    expect(versions.map((version) => version.expired !== undefined)).toEqual([true, false, true])
    expect((await registry.log()).entries).toMatchObject([
      { action: 'expire', ...a, reason, time: NOW },
      { action: 'expire', ...c },
    ])
    expect(existsSync(folderOf(b))).toBe(true)
  })

  test('by the age that is allowed needs no command', async () => {
    const version = await save(10)
    expect(expiryOf(version, undefined, [], { now: NOW, maxAgeDays: 10 })).toBeUndefined()
    expect(expiryOf(version, undefined, [], { now: NOW + 1, maxAgeDays: 10 })).toMatch(/10\.0 days old, 10 are allowed/)
    expect(expiryOf(version, undefined, [], { now: NOW })).toBeUndefined()
  })

  test('of what is not there is the caller’s mistake, and changes nothing', async () => {
    const version = await save(1)
    const missing = { kind: 'hmm' as const, id: version.id }
    const request = { versions: [version, missing], reason, now: NOW }
    await expect(expireVersions(registry, request)).rejects.toBeInstanceOf(InputError)
    expect((await registry.log()).entries).toEqual([])
  })

  test('removes what is expired, but neither what an alias points at nor the champion before', async () => {
    const [gone, before, champion, challenger] = [await save(50), await save(45), await save(41), await save(40)]
    for (const { id } of [gone, before, champion]) await registry.promote('cde', id, 'champion', reason, NOW)
    await registry.promote('cde', challenger.id, 'challenger', reason, NOW)
    const broken = await save(60, 'hmm')
    appendFileSync(join(folderOf(broken), 'model.onnx'), 'x')
    const kept = await save(1)
    const result = await expireVersions(registry, { olderThan: 30 * DAY, remove: true, reason, now: NOW })
    expect(result.removed).toEqual([gone, broken])
    expect(result.kept).toEqual([
      { ...before, reason: 'it was champion before the present one' },
      { ...champion, reason: 'it is champion' },
      { ...challenger, reason: 'it is challenger' },
    ])
    for (const version of [gone, broken]) expect(existsSync(folderOf(version))).toBe(false)
    for (const version of [before, champion, challenger, kept]) expect(existsSync(folderOf(version))).toBe(true)
    expect(await registry.resolve('cde', 'champion')).toBe(champion.id)
  })
})

describe('the list of versions', () => {
  test('has what is broken or missing, with the reason', async () => {
    const [whole, broken, missing] = [await save(3), await save(2), await save(1)]
    await registry.promote('cde', missing.id, 'champion', reason, NOW)
    writeFileSync(join(folderOf(broken), 'model.onnx'), '')
    await expireVersions(registry, { versions: [whole], reason, now: NOW })
    const before = (await listVersions(registry, { now: NOW })).versions
    expect(before.map(({ id, aliases }) => [id, aliases])).toEqual([
      [whole.id, []],
      [broken.id, []],
      [missing.id, ['champion']],
    ])
    expect(before[0]).toMatchObject({ kind: 'cde', seed: 1, ageDays: 3, expired: expect.any(String) })
    expect(before[1].broken).toMatch(/model\.onnx has 0 bytes/)
    writeFileSync(join(registry.directory, 'cde', 'champion'), '20250401T120000123Z-0123456789abcdef\n')
    const { versions } = await listVersions(registry, { now: NOW })
    expect(versions.at(-1)).toMatchObject({ aliases: ['champion'], broken: expect.stringContaining('is missing') })
  })

  test('tells of one version its card, its history and the verdict it was promoted under', async () => {
    const [a, b] = [await save(3), await save(2)]
    const about = { sentence: 'Ship it.', gates: [], data: { hash: 'x', origin: 'test' }, test: { from: 0, to: 1 } }
    const shipped = await recordVerdict(registry, {
      ship: 'cde',
      versions: { cde: a.id },
      ...about,
      evaluation: 1,
      now: 5,
    })
    await promoteVersions(registry, [a], { now: 6 })
    await recordVerdict(registry, { ship: 'none', versions: { cde: a.id }, ...about, evaluation: 2, now: 7 })
    await registry.promote('cde', b.id, 'challenger', reason, 8)
    await expireVersions(registry, { versions: [a], reason, now: 9 })
    const details = await showVersion(registry, a, { now: NOW })
    expect(details.card).toMatchObject({ id: a.id, seed: 1 })
    expect(details.history.map((entry) => entry.time)).toEqual([6, 9])
    expect(details.verdict?.id).toBe(shipped.id)
    expect((await showVersion(registry, b, { now: NOW })).verdict).toBeUndefined()
    writeFileSync(join(folderOf(a), 'card.json'), '{')
    const broken = await showVersion(registry, a, { now: NOW })
    expect(broken).toMatchObject({ broken: expect.stringContaining('not whole JSON'), verdict: { id: shipped.id } })
    expect(broken.card).toBeUndefined()
  })
})

describe('a reference', () => {
  test('is kind and alias, an id, or as much of it as no other has', async () => {
    const [a, b] = [await save(3), await save(2, 'hmm')]
    await registry.promote('cde', a.id, 'champion', reason, NOW)
    expect(await findVersion(registry, 'cde@champion')).toEqual(a)
    expect(await findVersion(registry, b.id)).toEqual(b)
    expect(await findVersion(registry, a.id.slice(0, 8))).toEqual(a)
    expect(await findVersion(registry, b.id.split('-')[1].slice(0, 6))).toEqual(b)
  })

  test('to none or to several is refused with what there is', async () => {
    const [a] = [await save(3), await save(3, 'hmm')]
    await expect(findVersion(registry, 'nothing')).rejects.toThrow('no version in')
    await expect(findVersion(registry, a.id.slice(0, 12))).rejects.toThrow(/may be cde .*, hmm .*: give more of it/)
    await expect(findVersion(registry, '')).rejects.toBeInstanceOf(InputError)
    await expect(findVersion(registry, 'gru@champion')).rejects.toThrow('there are cde@champion, cde@challenger')
    await expect(findVersion(registry, 'cde@king')).rejects.toThrow('names no version')
  })
})

test('what crashes have left behind goes with the next change, but not what others are writing', async () => {
  const folder = join(registry.directory, 'cde')
  const version = await save(1)
  const running = `.draft-${await ownerName()}`
  const ended = running.replace(/-\d+\./, '-999999999.')
  for (const name of [running, ended, '.gone-x']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'champion.123'), 'half')
  await registry.promote('cde', version.id, 'champion', reason, NOW)
  const left = [running, ended, '.gone-x', 'champion.123'].filter((name) => existsSync(join(folder, name)))
  expect(left).toEqual([running])
})
