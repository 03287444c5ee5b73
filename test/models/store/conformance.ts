import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InputError, ModelError } from '#data/errors.ts'
import type { ObjectStore, StoredObject } from '#models/store/object-store.ts'

/** A store under test, empty, and how to get to the same objects by another process. */
export interface StoreUnderTest {
  readonly store: ObjectStore
  readonly again: () => ObjectStore
  stop?(): Promise<void>
}

/** What every object store must do; each driver's test calls this once. */
export function describeObjectStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} as an object store`, () => {
    let store: ObjectStore
    let again: () => ObjectStore
    let stop: (() => Promise<void>) | undefined
    beforeAll(async () => {
      const made = await make()
      store = made.store
      again = made.again
      stop = made.stop
    })
    afterAll(() => stop?.())

    const text = (content: string) => Buffer.from(content)
    const read = async (key: string) => {
      const object = (await store.get(key)) as StoredObject | undefined
      return object && Buffer.from(object.bytes).toString()
    }
    const etagOf = async (key: string) => (await store.head(key))!.etag

    it('has nothing where nothing was put', async () => {
      expect(await store.get('no/such')).toBeUndefined()
      expect(await store.head('no/such')).toBeUndefined()
      expect(await store.get('no/such', { ifNoneMatch: 'x' })).toBeUndefined()
    })

    it('gives back what was put, to others too, and replaces it', async () => {
      await store.put('a/b.txt', text('one'))
      expect(await read('a/b.txt')).toBe('one')
      expect(Buffer.from(((await again().get('a/b.txt')) as StoredObject).bytes).toString()).toBe('one')
      await store.put('a/b.txt', text('other'))
      expect(await read('a/b.txt')).toBe('other')
      expect(await store.head('a/b.txt')).toMatchObject({ bytes: 5 })
    })

    it('keeps every byte', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), async (bytes) => {
          await store.put('any', bytes)
          expect(Buffer.from(((await store.get('any')) as StoredObject).bytes).equals(Buffer.from(bytes))).toBe(true)
        }),
        { numRuns: 25 },
      )
    })

    it('puts only where nothing is, if asked to', async () => {
      expect(await store.put('once', text('first'), { ifAbsent: true })).toEqual({ etag: await etagOf('once') })
      expect(await store.put('once', text('second'), { ifAbsent: true })).toBe('refused')
      expect(await read('once')).toBe('first')
    })

    it('lets one of many writers be first', async () => {
      const writers = Array.from({ length: 8 }, (_, i) => again().put('race', text(`writer ${i}`), { ifAbsent: true }))
      const outcomes = await Promise.all(writers)
      const won = outcomes.flatMap((outcome, i) => (outcome === 'refused' ? [] : [i]))
      expect(won).toHaveLength(1)
      expect(await read('race')).toBe(`writer ${won[0]}`)
    })

    it('replaces only what was seen, if asked to', async () => {
      await store.put('seen', text('v1'))
      const seen = await etagOf('seen')
      const written = await store.put('seen', text('v2'), { ifMatch: seen })
      expect(written).toEqual({ etag: await etagOf('seen') })
      expect(await store.put('seen', text('v3'), { ifMatch: seen })).toBe('refused')
      expect(await read('seen')).toBe('v2')
      expect(await store.put('never', text('v1'), { ifMatch: seen })).toBe('refused')
      expect(await store.get('never')).toBeUndefined()
    })

    it('lets one of many who saw the same replace it', async () => {
      await store.put('turn', text('0'))
      const ifMatch = await etagOf('turn')
      const writers = Array.from({ length: 6 }, (_, i) => again().put('turn', text(`${i}`), { ifMatch }))
      const won = (await Promise.all(writers)).filter((outcome) => outcome !== 'refused')
      expect(won).toHaveLength(1)
    })

    it('says that an object is unchanged instead of sending it', async () => {
      await store.put('same', text('x'))
      const { etag } = (await store.get('same')) as StoredObject
      expect(etag).toBe(await etagOf('same'))
      expect(await store.get('same', { ifNoneMatch: etag })).toBe('unchanged')
      await store.put('same', text('y'))
      expect(await store.get('same', { ifNoneMatch: etag })).toMatchObject({ bytes: text('y') })
    })

    it('refuses what is longer than may be', async () => {
      await store.put('long', Buffer.alloc(100))
      expect(await store.get('long', { most: 100 })).toMatchObject({ bytes: Buffer.alloc(100) })
      const error = await store.get('long', { most: 99 }).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(ModelError)
      expect(error.message).toContain(`${store.description}/long`)
    })

    it.each([
      '',
      '/a',
      'a/',
      'a//b',
      '../a',
      'a/../b',
      '.hidden',
      'a/.b',
      'a b',
      'ä',
      'a\\b',
      'a%2fb',
      'x'.repeat(501),
    ])('takes "%s" for no key', async (key) => {
      await expect(store.get(key)).rejects.toThrow(InputError)
      await expect(store.put(key, text('x'))).rejects.toThrow(InputError)
      await expect(store.head(key)).rejects.toThrow(InputError)
    })

    it('stops when it is told to', async () => {
      const signal = AbortSignal.abort(new Error('enough'))
      await expect(store.get('a/b.txt', { signal })).rejects.toThrow('enough')
      await expect(store.put('a/b.txt', text('x'), { signal })).rejects.toThrow('enough')
      await expect(store.head('a/b.txt', signal)).rejects.toThrow('enough')
      expect(await read('a/b.txt')).toBe('other')
    })
  })
}
