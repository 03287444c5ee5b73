import { fileURLToPath } from 'node:url'
import { InputError } from '#data/errors.ts'
import { openFolderStore } from './folder-store.ts'
import type { ObjectStore } from './object-store.ts'
import { openS3Store, type StoreKeys } from './s3-store.ts'

/** Where a store is; no secrets. */
export interface StoreLocation {
  /** `/mnt/models`, `file:///mnt/models` or `s3://bucket/prefix`. */
  readonly url: string
  readonly endpoint?: string
  /** Default `us-east-1`. */
  readonly region?: string
}

/**
 * Opens the store at `location`; nothing is asked of it yet.
 *
 * @param keys needed for `s3://` only
 * @throws {InputError} for an address that is none, or where keys are missing
 */
export function openObjectStore(
  location: StoreLocation,
  { keys, now }: { readonly keys?: StoreKeys; readonly now: () => number },
): ObjectStore {
  const { url, endpoint, region = 'us-east-1' } = location
  if (!url.startsWith('s3://')) return openFolderStore(url.startsWith('file://') ? fileURLToPath(url) : url)
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url) ?? []
  const clean = prefix.replace(/\/+$/, '')
  if (bucket === undefined || !/^([\w.-]+(\/[\w.-]+)*)?$/.test(clean)) {
    throw new InputError('the model store must be a folder or s3://bucket/prefix', { field: 'store.url' })
  }
  if (!keys) {
    const message = `s3://${bucket} needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment`
    throw new InputError(message, { field: 'store.url' })
  }
  return openS3Store({ bucket, prefix: clean, endpoint, region, keys, now })
}
