import { InputError } from '#data/errors.ts'

/** An object as it was when it was read. */
export interface StoredObject {
  readonly bytes: Uint8Array
  /** Changes whenever the object does; means something to its own store only. */
  readonly etag: string
}

/** @see ObjectStore.get */
export interface GetOptions {
  /** Answer `unchanged` where the object still has this etag. */
  readonly ifNoneMatch?: string
  /** Refuse what is longer, bytes; default 1 GiB. */
  readonly most?: number
  readonly signal?: AbortSignal
}

/** @see ObjectStore.put */
export interface PutOptions {
  /** Write only where there is no object of this key yet. */
  readonly ifAbsent?: boolean
  /** Write only where the object still has this etag. */
  readonly ifMatch?: string
  readonly signal?: AbortSignal
}

/**
 * Objects by key, each whole or not there: a shared folder, or S3-compatible storage. Every driver passes
 * `test/models/store/conformance.ts`.
 *
 * All methods throw `UnavailableError` where the store does not answer (what another try mends was tried again),
 * `InputError` where it refuses (address, keys, permission), `ModelError` for an object that is longer than it may
 * be, `FatalError` where this machine's disk refuses, and the signal's reason. Errors name store and key, and never what the store is opened with.
 */
export interface ObjectStore {
  /** `s3://bucket/prefix` or a folder: fit for logs. */
  readonly description: string
  /** The object; undefined where there is none. */
  get(key: string, options?: GetOptions): Promise<StoredObject | 'unchanged' | undefined>
  /** Writes the object, all of it or nothing. @returns its etag, or `refused` where the condition does not hold */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ readonly etag: string } | 'refused'>
  /** Etag and length, bytes; undefined where there is none. */
  head(key: string, signal?: AbortSignal): Promise<{ readonly etag: string; readonly bytes: number } | undefined>
}

/** Longest object that is read unless told otherwise, bytes. */
export const MOST_BYTES = 2 ** 30

const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/

/**
 * Checks a key: parts of letters, digits, `.`, `_` and `-`, none of which begins with a dot. It means the same in a
 * folder, in a URL and in a signature, and leads out of none.
 *
 * @throws {InputError}
 */
export function checkKey(key: string): void {
  if (KEY.test(key) && key.length <= 500) return
  throw new InputError(`"${key}" cannot be the key of an object`, { key })
}
