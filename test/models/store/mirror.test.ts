import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ModelError, UnavailableError } from '#data/errors.ts'
import type { ServedKind } from '#models/regime.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { expireVersions } from '#models/registry-expiry.ts'
import { promoteVersions, rollbackChampions } from '#models/registry-promotion.ts'
import { openServing } from '#models/serving.ts'
import { type Follower, type FollowOptions, followIndex } from '#models/store/follow.ts'
import { fetchIndex, publishIndex } from '#models/store/index-object.ts'
import type { ObjectStore } from '#models/store/object-store.ts'
import { openS3Store } from '#models/store/s3-store.ts'
import { fetchVersion, publishVersion } from '#models/store/versions.ts'
import { NOW, temporaryFolder, workingVersion } from '../versions.ts'
import { type S3StandIn, startS3 } from './s3-stand-in.ts'

let s3: S3StandIn
let store: ObjectStore
let home: Registry
let cache: Registry
let time: number
let follower: Follower
let heard: (string | undefined)[]

beforeEach(async () => {
  s3 = await startS3()
  const { bucket, endpoint, region, keys } = s3
  store = openS3Store({ bucket, prefix: '', endpoint, region, keys, now: Date.now, retries: 0 })
  home = openRegistry(temporaryFolder())
  cache = openRegistry(join(temporaryFolder(), 'models-cache'))
  time = NOW
  heard = []
  follower = follow()
})
afterEach(async () => {
  await follower.stop()
  await s3.close()
})

const now = () => time
const follow = (change: Partial<FollowOptions> = {}) =>
  followIndex({ store, registry: cache, now, interval: 10, onTrouble: (words) => heard.push(words), ...change })
const save = async (kind: ServedKind, seed: number) => (await home.save(workingVersion(kind, seed))).id
const promote = async (kind: ServedKind, seed: number, force = 'test') => {
  const id = await save(kind, seed)
  await promoteVersions(home, [{ kind, id }], { now: NOW + seed, force })
  return id
}
/** What serves from the registry, and from which rung. */
const serving = async (registry: Registry) => {
  const { kind, id, degradations, close } = await openServing(registry, { now: NOW + 1_000, threads: 1 })
  await close()
  return { kind, id, degradations }
}
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => new Error('it did not fail'),
    (error) => error,
  )

describe('a version in the store', () => {
  it('comes out as it went in', async () => {
    const id = await save('cde', 1)
    expect(await publishVersion(store, home, { kind: 'cde', id })).toBe(true)
    expect(await fetchVersion(store, cache, { kind: 'cde', id, now: NOW })).toBe(true)
    const [one, other] = [await home.read('cde', id), await cache.read('cde', id)]
    expect(other.card).toEqual(one.card)
    expect(other.files).toEqual(one.files)
  })

  it('is sent and fetched once', async () => {
    const id = await save('cde', 1)
    await publishVersion(store, home, { kind: 'cde', id })
    await fetchVersion(store, cache, { kind: 'cde', id, now: NOW })
    s3.requests.length = 0
    expect(await publishVersion(store, home, { kind: 'cde', id })).toBe(false)
    expect(await fetchVersion(store, cache, { kind: 'cde', id, now: NOW })).toBe(false)
    expect(s3.requests).toEqual([`HEAD versions/cde/${id}/card.json`])
  })

  it('is finished by the next who publishes it, whatever was left by one who was interrupted', async () => {
    const id = await save('cde', 1)
    s3.faults.push(undefined, undefined, undefined, 'reset')
    expect(await errorOf(publishVersion(store, home, { kind: 'cde', id }))).toBeInstanceOf(UnavailableError)
    expect(s3.objects.has(`versions/cde/${id}/card.json`)).toBe(false)
    expect(await errorOf(fetchVersion(store, cache, { kind: 'cde', id, now: NOW }))).toBeInstanceOf(ModelError)
    // One of the files that are there is not what it should be.
    s3.objects.set(`versions/cde/${id}/model.onnx`, Buffer.from('torn'))
    expect(await publishVersion(store, home, { kind: 'cde', id })).toBe(true)
    expect(await fetchVersion(store, cache, { kind: 'cde', id, now: NOW })).toBe(true)
  })

  it('that is changed in any byte is refused, and nothing of it appears', async () => {
    const id = await save('cde', 1)
    await publishVersion(store, home, { kind: 'cde', id })
    const whole = new Map(s3.objects)
    const place = fc.record({
      key: fc.constantFrom(...whole.keys()),
      at: fc.nat(),
      by: fc.integer({ min: 1, max: 255 }),
    })
    await fc.assert(
      fc.asyncProperty(place, async ({ key, at, by }) => {
        const bytes = Buffer.from(whole.get(key)!)
        bytes[at % bytes.length] ^= by
        s3.objects.set(key, bytes)
        const error = await errorOf(fetchVersion(store, cache, { kind: 'cde', id, now: NOW }))
        s3.objects.set(key, whole.get(key)!)
        // A space of the card's indentation may be another space's worth: what counts is what it says.
        if (key.endsWith('card.json') && !(error instanceof ModelError)) {
          expect((await cache.read('cde', id)).card).toEqual((await home.read('cde', id)).card)
          await rm(join(cache.directory, 'cde', id), { recursive: true })
          return
        }
        expect(error).toBeInstanceOf(ModelError)
        expect(error.message).toContain('s3://models/versions/cde/')
        expect(await readdir(join(cache.directory, 'cde')).catch(() => [])).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    ['missing', (key: string) => s3.objects.delete(key), /model\.onnx is missing: publish it again/],
    ['cut short', (key: string) => s3.objects.set(key, s3.objects.get(key)!.subarray(9)), /bytes, the card says/],
    ['longer', (key: string) => s3.objects.set(key, Buffer.concat([s3.objects.get(key)!, Buffer.alloc(9)])), /at most/],
  ])('a file that is %s is refused', async (_, damage, words) => {
    const id = await save('cde', 1)
    await publishVersion(store, home, { kind: 'cde', id })
    damage(`versions/cde/${id}/model.onnx`)
    const error = await errorOf(fetchVersion(store, cache, { kind: 'cde', id, now: NOW }))
    expect(error).toBeInstanceOf(ModelError)
    expect(error.message).toMatch(words)
  })

  it('whose card is that of another version is refused', async () => {
    const [one, other] = [await save('cde', 1), await save('cde', 2)]
    for (const id of [one, other]) await publishVersion(store, home, { kind: 'cde', id })
    s3.objects.set(`versions/cde/${one}/card.json`, s3.objects.get(`versions/cde/${other}/card.json`)!)
    const error = await errorOf(fetchVersion(store, cache, { kind: 'cde', id: one, now: NOW }))
    expect(error.message).toContain(`is the card of cde ${other}`)
  })

  it('cannot write outside its folder, however right its card is', async () => {
    const version = workingVersion('cde', 1)
    const evil = openRegistry(temporaryFolder())
    const { id, files, ...content } = await evil.save(version)
    const { versionId, sha256 } = await import('#models/card.ts')
    const bytes = Buffer.from('x')
    const record = { sha256: sha256(bytes), bytes: 1 }
    const card = { ...content, files: { ...files, '../../../evil': record } }
    const evilId = versionId(card)
    for (const [name, file] of Object.entries(version.files)) {
      s3.objects.set(`versions/cde/${evilId}/${name}`, Buffer.from(file))
    }
    s3.objects.set(`versions/cde/${evilId}/card.json`, Buffer.from(JSON.stringify({ ...card, id: evilId })))
    const error = await errorOf(fetchVersion(store, cache, { kind: 'cde', id: evilId, now: NOW }))
    expect(error.message).toMatch(/names "..\/..\/..\/evil", which cannot be a file of a version/)
    expect(id).not.toBe(evilId)
  })

  it('replaces a copy that was damaged on this disk, and not before it has a better one', async () => {
    const id = await save('cde', 1)
    await publishVersion(store, home, { kind: 'cde', id })
    await fetchVersion(store, cache, { kind: 'cde', id, now: NOW })
    const file = join(cache.directory, 'cde', id, 'model.onnx')
    await writeFile(file, 'damaged')
    s3.always = 'slow down'
    expect(await errorOf(fetchVersion(store, cache, { kind: 'cde', id, now: NOW }))).toBeInstanceOf(UnavailableError)
    expect(await readFile(file, 'utf8')).toBe('damaged')
    s3.always = undefined
    expect(await fetchVersion(store, cache, { kind: 'cde', id, now: NOW })).toBe(true)
    await cache.read('cde', id)
  })

  it('is not taken away from under another process that fetched it at the same time', async () => {
    const id = await save('cde', 1)
    await publishVersion(store, home, { kind: 'cde', id })
    const slow: ObjectStore = {
      ...store,
      async get(key, options) {
        const object = await store.get(key, options)
        // The other one is done, and serves, before this one is.
        if (key.endsWith('model.onnx')) await fetchVersion(store, cache, { kind: 'cde', id, now: NOW })
        return object
      },
    }
    await fetchVersion(slow, cache, { kind: 'cde', id, now: NOW })
    expect((await cache.log()).entries).toEqual([])
  })
})

describe('the index of the store', () => {
  it('tells what serves, champions first put there', async () => {
    const [cde, hmm] = [await promote('cde', 1), await promote('hmm', 2)]
    const published = await publishIndex(store, home)
    expect(published).toEqual({ revision: 2, changed: true, versions: [`cde ${cde}`, `hmm ${hmm}`] })
    const found = await fetchIndex(store)
    expect(found).toMatchObject({
      index: {
        revision: 2,
        champions: [
          { kind: 'cde', id: cde },
          { kind: 'hmm', id: hmm },
        ],
      },
    })
  })

  it('is written once', async () => {
    await promote('cde', 1)
    await publishIndex(store, home)
    s3.requests.length = 0
    expect(await publishIndex(store, home)).toMatchObject({ changed: false, versions: [] })
    expect(s3.requests).toEqual(['GET index.json'])
  })

  it('of an older state never replaces a newer one', async () => {
    await promote('cde', 1)
    await publishIndex(store, home)
    const copy = openRegistry(temporaryFolder())
    await copy.save(workingVersion('cde', 1))
    const older = s3.objects.get('index.json')!
    await promote('cde', 2)
    await publishIndex(store, home)
    const newer = s3.objects.get('index.json')!
    expect(newer.equals(older)).toBe(false)
    const error = await errorOf(publishIndex(store, copy))
    expect(error).toBeInstanceOf(ModelError)
    expect(error.message).toMatch(/tells of 2 changes of a registry, .* knows 0 .*an old copy.*remove index.json/)
    expect(s3.objects.get('index.json')).toEqual(newer)
  })

  it('is that of the last change when many publish at once', async () => {
    await promote('cde', 1)
    const work = [3, 4, 5, 6].map(async (seed) => {
      await promote('cde', seed)
      await publishIndex(store, home)
    })
    await Promise.all(work)
    const found = await fetchIndex(store)
    expect(found).toMatchObject({ index: { revision: 5, champions: [{ id: await home.resolve('cde', 'champion') }] } })
  })

  it.each(['{', '[]', '{"schemaVersion":2}', 'null'])('that reads %s is refused', async (text) => {
    s3.objects.set('index.json', Buffer.from(text))
    expect(await errorOf(fetchIndex(store))).toBeInstanceOf(ModelError)
  })
})

describe('a cache that follows the store', () => {
  it('serves what serves at home, through promotions, expiry and rollback', async () => {
    const same = async () => {
      await publishIndex(store, home)
      await follower.look()
      expect(await serving(cache)).toEqual(await serving(home))
    }
    await promote('cde', 1)
    await same()
    const hmm = await promote('hmm', 2)
    await same()
    // Forced, it leads: the HMM serves although a champion CDE is there.
    expect((await serving(cache)).id).toBe(hmm)
    const cde = await promote('cde', 3)
    await same()
    await rollbackChampions(home, 'cde', { now: NOW + 4, reason: 'test' })
    await same()
    await expireVersions(home, { versions: [{ kind: 'hmm', id: hmm }], reason: 'test', now: NOW + 5 })
    await same()
    await promoteVersions(home, [{ kind: 'cde', id: cde }], { now: NOW + 6, force: 'again' })
    await same()
    expect((await serving(cache)).id).toBe(cde)
  })

  it('has nothing to do while nothing changes', async () => {
    await promote('cde', 1)
    await publishIndex(store, home)
    await follower.look()
    const log = await cache.log()
    s3.requests.length = 0
    await follower.look()
    await follow().look()
    expect(s3.requests).toEqual(['GET index.json', 'GET index.json'])
    expect(await cache.log()).toEqual(log)
  })

  it('fetches versions before it moves aliases, and moves none where one is not right', async () => {
    const old = await promote('cde', 1)
    await publishIndex(store, home)
    await follower.look()
    const [cde, hmm] = [await promote('cde', 2), await promote('hmm', 3)]
    await publishIndex(store, home)
    const key = `versions/hmm/${hmm}/model.onnx`
    const right = s3.objects.get(key)!
    s3.objects.set(key, Buffer.from(right).fill(0))
    expect(await errorOf(follower.look())).toBeInstanceOf(ModelError)
    expect(await serving(cache)).toMatchObject({ kind: 'cde', id: old, degradations: [] })
    // What is wrong in the store is told at once; it goes on serving.
    expect(follower.degradations()).toHaveLength(1)
    expect(follower.degradations()[0]).toMatch(/^degraded: for 0 s .*model\.onnx was changed: its sha256/)
    expect(await cache.find('cde', 'champion')).toBe(old)

    s3.objects.set(key, right)
    await follower.look()
    expect(await cache.find('cde', 'champion')).toBe(cde)
    expect(await cache.find('hmm', 'champion')).toBe(hmm)
    expect(follower.degradations()).toEqual([])
    expect(heard.at(-1)).toBeUndefined()
  })

  it('goes on serving while the store is away, and says so after a while', async () => {
    await promote('cde', 1)
    await publishIndex(store, home)
    await follower.look()
    s3.always = 'internal error'
    expect(await errorOf(follower.look())).toBeInstanceOf(UnavailableError)
    time += 119_000
    expect(follower.degradations()).toEqual([])
    time += 2_000
    expect(follower.degradations()[0]).toMatch(/^degraded: for 121 s what serves may not be .*500 InternalError/)
    expect((await serving(cache)).kind).toBe('cde')
    s3.always = undefined
    await follower.look()
    expect(follower.degradations()).toEqual([])
    expect(heard).toHaveLength(2)
  })

  it('does not go back where the store does, also after a restart', async () => {
    await promote('cde', 1)
    await publishIndex(store, home)
    const old = s3.objects.get('index.json')!
    const champion = await promote('cde', 2)
    await publishIndex(store, home)
    await follower.look()
    s3.objects.set('index.json', old)
    for (const each of [follower, follow()]) {
      const error = await errorOf(each.look())
      expect(error).toBeInstanceOf(ModelError)
      expect(error.message).toMatch(/went back from 2 changes to 1: what was known stays/)
    }
    expect(await cache.find('cde', 'champion')).toBe(champion)
  })

  it('is not moved back by a process that read earlier and is late', async () => {
    await promote('cde', 1)
    await publishIndex(store, home)
    // Between the read of the index and the change of the cache another process gets further.
    const late = follow({
      store: {
        ...store,
        async get(key, options) {
          const object = await store.get(key, options)
          if (key === 'index.json') {
            await promote('cde', 2)
            await publishIndex(store, home)
            await follower.look()
          }
          return object
        },
      },
    })
    expect(await errorOf(late.look())).toBeInstanceOf(ModelError)
    expect(await serving(cache)).toEqual(await serving(home))
  })

  it('starts from what it has when it is opened again', async () => {
    await promote('cde', 1)
    await publishIndex(store, home)
    await follower.look()
    const champion = await promote('cde', 2)
    await publishIndex(store, home)
    await follow().look()
    expect(await cache.find('cde', 'champion')).toBe(champion)
  })

  it('follows another store from its beginning', async () => {
    await promote('cde', 1)
    await promote('cde', 2)
    await publishIndex(store, home)
    await follower.look()
    const { bucket, endpoint, region, keys } = s3
    const other = openS3Store({ bucket, prefix: 'other', endpoint, region, keys, now: Date.now })
    const elsewhere = openRegistry(temporaryFolder())
    const { id } = await elsewhere.save(workingVersion('cde', 9))
    await promoteVersions(elsewhere, [{ kind: 'cde', id }], { now: NOW, force: 'test' })
    await publishIndex(other, elsewhere)
    await follow({ store: other }).look()
    expect(await cache.find('cde', 'champion')).toBe(id)
  })

  it('waits for a store in which there is nothing yet', async () => {
    await follower.look()
    expect(heard[0]).toMatch(/holds no index: nothing was published there yet/)
    const champion = await promote('cde', 1)
    await publishIndex(store, home)
    await follower.look()
    expect(await cache.find('cde', 'champion')).toBe(champion)
  })

  it('keeps the ten newest versions besides the champions', async () => {
    const ids: string[] = []
    for (let seed = 1; seed <= 12; seed++) {
      const id = await promote('cde', seed)
      ids.push(id)
      await publishIndex(store, home)
      await follower.look()
    }
    await promote('cde', 13)
    await publishIndex(store, home)
    await follower.look()
    expect(await cache.list('cde')).toEqual([...ids.slice(-10), await home.resolve('cde', 'champion')])
  })

  it('looks by itself once started, until it is stopped', async () => {
    const changed = Promise.withResolvers<string>()
    const following = follow({ onChange: changed.resolve })
    following.start()
    const champion = await promote('cde', 1)
    await publishIndex(store, home)
    expect(await changed.promise).toBe(`champion cde ${champion} from s3://models`)
    await following.stop()
    const count = s3.requests.length
    await follower.look()
    expect(s3.requests).toHaveLength(count + 1)
  })
})
