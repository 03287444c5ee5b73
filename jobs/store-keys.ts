import { InputError } from '#data/errors.ts'
import type { StoreKeys } from '#models/store/s3-store.ts'
import { readSecrets } from './secrets.ts'

/**
 * The keys to an object store that the environment holds, under the names that all tools for S3 know; undefined where
 * there are none.
 *
 * @throws {InputError} where one is set without the other
 */
export function storeKeys(environment: NodeJS.ProcessEnv): StoreKeys | undefined {
  const { values } = readSecrets(environment)
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = values
  if (!accessKeyId && !secretAccessKey) return undefined
  if (!accessKeyId || !secretAccessKey) {
    const missing = accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'
    throw new InputError(`${missing} is not set, its counterpart is: the model store needs both`, { field: missing })
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
}
