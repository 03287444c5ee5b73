import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { FatalError, InputError, MillraceError, UnavailableError } from '#data/errors.ts'
import { openObjectStore } from '#models/store/open-store.ts'
import { openS3Store, type S3Options } from '#models/store/s3-store.ts'
import { describeObjectStore } from './conformance.ts'
import { type S3Fault, type S3StandIn, startS3 } from './s3-stand-in.ts'

let s3: S3StandIn
beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3.close())
afterEach(() => {
  s3.always = undefined
  s3.faults.length = 0
})

const open = (change: Partial<S3Options> = {}) =>
  openS3Store({
    bucket: s3.bucket,
    prefix: 'prod/millrace',
    endpoint: s3.endpoint,
    region: s3.region,
    keys: s3.keys,
    now: Date.now,
    sleep: async () => {},
    ...change,
  })
const content = Buffer.from('content of an object')

describeObjectStore('S3-compatible storage', async () => ({ store: open(), again: () => open() }))
describeObjectStore('S3-compatible storage with a session token and no prefix', async () => {
  const own = await startS3({ sessionToken: 'token+of/a=session' })
  const openOwn = () => open({ endpoint: own.endpoint, keys: own.keys, prefix: '' })
  return { store: openOwn(), again: openOwn, stop: () => own.close() }
})

describe('S3-compatible storage that misbehaves', () => {
  const failureOf = async (work: Promise<unknown>): Promise<MillraceError> => {
    const error = await work.then(
      () => new Error('it did not fail'),
      (thrown) => thrown,
    )
    expect(error).toBeInstanceOf(MillraceError)
    for (const secret of Object.values(s3.keys))
      expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain(secret)
    return error
  }

  it.each<S3Fault>(['slow down', 'internal error', 'truncated', 'reset', 'conflict'])(
    '%s: asks again',
    async (fault) => {
      const store = open()
      await store.put('again', content)
      s3.faults.push(fault, fault)
      s3.requests.length = 0
      expect(await store.get('again')).toMatchObject({ bytes: content })
      expect(s3.requests).toEqual(Array(3).fill('GET prod/millrace/again'))
    },
  )

  it.each<S3Fault>(['slow down', 'truncated', 'reset'])('%s for long: gives up in the end', async (fault) => {
    const store = open({ retries: 2 })
    await store.put('long', content)
    s3.always = fault
    s3.requests.length = 0
    const error = await failureOf(store.get('long'))
    expect(error).toBeInstanceOf(UnavailableError)
    expect(error.message).toContain('s3://models/prod/millrace/long')
    expect(s3.requests).toHaveLength(3)
  })

  it('hang: gives up waiting, and asks again', async () => {
    const store = open({ timeout: 100, retries: 1 })
    await store.put('hang', content)
    s3.faults.push('hang')
    expect(await store.get('hang')).toMatchObject({ bytes: content })
    s3.always = 'hang'
    const error = await failureOf(store.get('hang'))
    expect(error.message).toBe('s3://models/prod/millrace/hang cannot be reached: no answer within 0.1 s')
  })

  it.each<[S3Fault, typeof InputError | typeof FatalError, RegExp]>([
    ['forbidden', InputError, /answered 403 AccessDenied: check the keys/],
    [
      'elsewhere',
      InputError,
      /answered 301 PermanentRedirect: the bucket is elsewhere; set store.region \(now eu-test-1\)/,
    ],
    ['skewed', FatalError, /RequestTimeTooSkewed: set this machine's clock/],
  ])('%s: says what to do, at once', async (fault, kind, words) => {
    s3.always = fault
    s3.requests.length = 0
    const error = await failureOf(open().get('x'))
    expect(error).toBeInstanceOf(kind)
    expect(error.message).toMatch(words)
    expect(s3.requests).toHaveLength(1)
  })

  it('a write whose answer is lost is known by its content', async () => {
    const store = open()
    s3.faults.push('lost answer')
    expect(await store.put('lost', content, { ifAbsent: true })).toBe('refused')
    expect(await store.get('lost')).toMatchObject({ bytes: content })
  })

  it.each([
    ['another secret', { secretAccessKey: 'of somebody else' }, /403 SignatureDoesNotMatch/],
    ['another id', { accessKeyId: 'AKIDOTHER' }, /403 InvalidAccessKeyId/],
  ])('%s is refused', async (_, change, words) => {
    const error = await failureOf(open({ keys: { ...s3.keys, ...change } }).put('x', content))
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(words)
    expect(s3.objects.has('prod/millrace/x')).toBe(false)
  })

  it('tells a bucket that is not there from an object that is not there', async () => {
    const error = await failureOf(open({ bucket: 'nobodys' }).get('x'))
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(/404 NoSuchBucket/)
    expect(await failureOf(open({ bucket: 'nobodys' }).put('x', content, { ifAbsent: true }))).toBeInstanceOf(
      InputError,
    )
  })

  it('nobody there: says so', async () => {
    const gone = await startS3()
    await gone.close()
    const error = await failureOf(open({ endpoint: gone.endpoint, retries: 0 }).get('x'))
    expect(error).toBeInstanceOf(UnavailableError)
    expect(error.message).toBe('s3://models/prod/millrace/x cannot be reached: ECONNREFUSED')
  })

  it('stops while it waits for another try', async () => {
    const stop = new AbortController()
    const store = open({
      sleep: async (_, signal) => {
        stop.abort(new Error('enough'))
        signal?.throwIfAborted()
      },
    })
    s3.always = 'slow down'
    await expect(store.get('x', { signal: stop.signal })).rejects.toThrow('enough')
  })
})

describe('the address of a store', () => {
  const now = Date.now
  const keys = { accessKeyId: 'a', secretAccessKey: 'b' }

  it.each(['s3://', 's3://B', 's3://bucket/a b', 's3://bucket//x', 's3://user:password@bucket'])(
    '%s is none',
    (url) => {
      expect(() => openObjectStore({ url }, { now, keys })).toThrow(InputError)
      expect(() => openObjectStore({ url }, { now, keys })).toThrow(/^(?!.*password)/)
    },
  )

  it('names the bucket', () => {
    expect(openObjectStore({ url: 's3://bucket/some/prefix/' }, { now, keys }).description).toBe(
      's3://bucket/some/prefix',
    )
    expect(openObjectStore({ url: 's3://bucket' }, { now, keys }).description).toBe('s3://bucket')
  })

  it('of a bucket needs keys', () => {
    expect(() => openObjectStore({ url: 's3://bucket' }, { now })).toThrow(
      /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/,
    )
  })
})
