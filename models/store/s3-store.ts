import { AwsClient } from 'aws4fetch'
import { FatalError, InputError, MillraceError, UnavailableError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { retryWhileUnavailable } from '#data/retry.ts'
import { type Sleep, sleepFor } from '#data/weight-budget.ts'
import { sha256 } from '../card.ts'
import { tooLong } from './folder-store.ts'
import { checkKey, MOST_BYTES, type ObjectStore } from './object-store.ts'

/** Secrets: from the environment only, never in logs or errors. */
export interface StoreKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** @see openS3Store */
export interface S3Options {
  readonly bucket: string
  /** Before every key, without a slash at either end; empty: none. */
  readonly prefix: string
  /** `https://host`; Amazon's own for the region unless given. */
  readonly endpoint?: string
  readonly region: string
  readonly keys: StoreKeys
  /** UTC milliseconds: requests are signed with the time. */
  readonly now: () => number
  readonly sleep?: Sleep
  /** Tries after the first, default 4. */
  readonly retries?: number
  /** Milliseconds that one request may take, its body included, default 30,000. */
  readonly timeout?: number
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
}

/** The storage's own word in an error document, and where it stands at the latest. */
const CODE = /<Code>([A-Za-z]{1,60})<\/Code>/

/**
 * Objects in S3-compatible storage, addressed by path (`endpoint/bucket/prefix/key`), signed with AWS Signature Version 4
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html), bodies included.
 *
 * Conditional writes (`If-None-Match: *`, `If-Match`) are needed: Amazon S3, MinIO and Cloudflare R2 have them.
 */
export function openS3Store(options: S3Options): ObjectStore {
  const { bucket, prefix, region, now, keys, timeout = 30_000 } = options
  const endpoint = (options.endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '')
  const client = new AwsClient({ ...keys, service: 's3', region, retries: 0 })
  const description = `s3://${bucket}${prefix && `/${prefix}`}`
  const random = createRandom(process.pid)

  async function once(method: string, key: string, extra: Extra): Promise<Answer> {
    const { headers = {}, body, most = MOST_BYTES, signal } = extra
    const late = AbortSignal.timeout(timeout)
    const url = `${endpoint}/${bucket}/${prefix && `${prefix}/`}${key}`
    try {
      const request = await client.sign(url, {
        method,
        headers: { ...headers, 'x-amz-content-sha256': sha256(body ?? '') },
        ...(body && { body: body as Uint8Array<ArrayBuffer> }),
        aws: { datetime: signingTime(now()) },
      })
      const response = await fetch(request, {
        redirect: 'manual',
        signal: signal ? AbortSignal.any([late, signal]) : late,
      })
      return {
        status: response.status,
        headers: response.headers,
        bytes: await readBody(response, method, where(key), most),
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof MillraceError) throw error
      const why = late.aborted ? `no answer within ${timeout / 1000} s` : reasonOf(error)
      // The cause stays out: what a library puts into it (headers, say) is not known.
      throw new UnavailableError(`${where(key)} cannot be reached: ${why}`, { store: description, key })
    }
  }

  const where = (key: string) => `${description}/${key}`

  /** @returns an answer that is none of the refusals */
  function ask(method: string, key: string, extra: Extra, fine: readonly number[]): Promise<Answer> {
    checkKey(key)
    const attempt = async () => {
      const answer = await once(method, key, extra)
      // An object that is not there is an answer; a bucket that is not there is a mistake.
      if (fine.includes(answer.status) && codeOf(answer) !== 'NoSuchBucket') return answer
      throw refusal(where(key), region, answer)
    }
    return retryWhileUnavailable(attempt, {
      retries: options.retries ?? 4,
      firstDelay: 200,
      longestDelay: 5_000,
      refusedDelay: 1_000,
      sleep: options.sleep ?? sleepFor,
      random,
      signal: extra.signal,
    })
  }

  return {
    description,

    async get(key, { ifNoneMatch, most, signal } = {}) {
      const headers: Record<string, string> = ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }
      const { status, headers: got, bytes } = await ask('GET', key, { headers, most, signal }, [200, 304, 404])
      if (status === 304) return 'unchanged'
      return status === 404 ? undefined : { etag: got.get('etag') ?? '', bytes }
    },

    async put(key, body, { ifAbsent, ifMatch, signal } = {}) {
      const headers = {
        'content-type': 'application/octet-stream',
        ...(ifAbsent && { 'if-none-match': '*' }),
        ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      }
      // 404 is what `If-Match` gives where there is no object any more.
      const conditional = ifAbsent || ifMatch !== undefined
      const answer = await ask('PUT', key, { headers, body, signal }, conditional ? [200, 404, 412] : [200])
      return answer.status === 200 ? { etag: answer.headers.get('etag') ?? '' } : 'refused'
    },

    async head(key, signal) {
      const { status, headers } = await ask('HEAD', key, { signal }, [200, 404])
      if (status === 404) return undefined
      return { etag: headers.get('etag') ?? '', bytes: Number(headers.get('content-length')) }
    },
  }
}

interface Extra {
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array
  readonly most?: number
  readonly signal?: AbortSignal
}

/** `20150830T123600Z` */
function signingTime(time: number): string {
  return new Date(time).toISOString().replace(/[:-]|\.\d{3}/g, '')
}

/** @throws {UnavailableError} for a body that is shorter than was announced */
async function readBody(response: Response, method: string, where: string, most: number): Promise<Uint8Array> {
  const announced = response.headers.get('content-length')
  const parts: Uint8Array[] = []
  let length = 0
  if (method !== 'HEAD' && response.body) {
    // Not announced, or announced wrongly: what is read is what counts.
    for await (const part of response.body) {
      length += part.length
      if (length > most) throw tooLong(where, length, most)
      parts.push(part)
    }
    // What was packed on the way is announced in its packed length.
    if (announced !== null && !response.headers.has('content-encoding') && length !== Number(announced)) {
      throw new UnavailableError(`${where} broke off after ${length} of ${announced} bytes`)
    }
  }
  return Buffer.concat(parts)
}

function reasonOf(error: unknown): string {
  const { code, message } = (
    error instanceof Error && error.cause instanceof Error ? error.cause : error
  ) as NodeJS.ErrnoException
  return code ?? message
}

function codeOf({ status, bytes }: Answer): string | undefined {
  return status < 300 ? undefined : CODE.exec(Buffer.from(bytes.subarray(0, 4_000)).toString())?.[1]
}

/** What a status other than those expected means, in words that say what to do. */
function refusal(where: string, region: string, answer: Answer): MillraceError {
  const { status } = answer
  const code = codeOf(answer)
  const said = `${where}: the storage answered ${status}${code ? ` ${code}` : ''}`
  const details = { where, status, code }
  if (status === 429 || status >= 500) {
    if (status === 501) return new InputError(`${said}: it lacks what conditional writes need`, details)
    return new UnavailableError(said, details)
  }
  // Two conditional writes at once: Amazon asks for another try.
  if (status === 409) return new UnavailableError(said, { where, code })
  if (code === 'RequestTimeTooSkewed') return new FatalError(`${said}: set this machine's clock`, details)
  if (status === 400 && code === 'RequestTimeout') return new UnavailableError(said, { where, code })
  if (status === 401 || status === 403) {
    const remedy = 'check the keys in the environment and what they may do there (read, write, list)'
    return new InputError(`${said}: ${remedy}`, details)
  }
  if (status >= 300 && status < 400) {
    return new InputError(
      `${said}: the bucket is elsewhere; set store.region (now ${region}) or store.endpoint`,
      details,
    )
  }
  return new InputError(`${said}: check store.url and store.endpoint`, details)
}
