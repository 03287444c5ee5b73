import { InputError } from '#data/errors.ts'

/**
 * Reads a broker's address.
 *
 * @throws {InputError} when it is no URL or of another kind; the message never repeats the password
 */
export function parseAddress(text: string, variable: string, protocols: readonly string[]): URL {
  const kinds = protocols.map((protocol) => `${protocol}//host:port`).join(' or ')
  if (!URL.canParse(text)) throw new InputError(`${variable} is not a URL: give ${kinds}`, { field: variable })
  const url = new URL(text)
  if (!protocols.includes(url.protocol)) {
    throw new InputError(`${variable} starts with "${url.protocol}": give ${kinds}`, { field: variable })
  }
  return url
}

/** The address without user, password and options: fit for logs. */
export function withoutSecrets(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`
}

/**
 * A namespace must be usable as a Redis key prefix and as a PostgreSQL schema.
 *
 * @throws {InputError} otherwise
 */
export function checkNamespace(namespace: string): string {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(namespace)) {
    throw new InputError(
      `broker namespace "${namespace}" must be lower-case letters, digits and "_", at most 41, a letter first`,
      { field: 'namespace', value: namespace },
    )
  }
  return namespace
}
