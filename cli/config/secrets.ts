import { InputError } from '#data/errors.ts'
import { fileVariable, SECRETS, type SecretName } from '#jobs/secrets.ts'
import { keyByPath } from './keys.ts'
import { describeOrigin, type Layer } from './layer.ts'

const MASK = '***'
const SECRET_NAME = /token|secret|passw|webhook|slack|access_?key|credential/i

/** Puts `***` in the place of passwords within URLs; leaves every other value as it is. */
export function maskSecrets(value: unknown): unknown {
  if (typeof value !== 'string' || !value.includes('://')) return value
  // What is no URL may still hold a password: everything before the host goes.
  if (!URL.canParse(value)) return value.replace(/:\/\/.*@/, `://${MASK}@`)
  const url = new URL(value)
  if (url.password !== '') url.password = MASK
  for (const name of [...url.searchParams.keys()]) {
    if (/pass|secret|token|key/i.test(name)) url.searchParams.set(name, MASK)
  }
  return url.password === '' && url.search === '' ? value : url.href
}

/** Where a secret belongs that somebody put among the settings under this name; undefined where it looks like none. */
export function secretAdvice(name: string): string | undefined {
  if (!SECRET_NAME.test(name) && !SECRETS.some((secret) => secret === name)) return undefined
  return `secrets are no settings: they come from variables (${SECRETS.join(', ')}) or from files that these name with _FILE`
}

/**
 * Refuses secrets in a file of settings and on the command line: the one is shared and kept, the other is read by
 * everybody on the machine.
 *
 * @throws {InputError} saying where the secret is, never what it is
 */
export function refuseSecrets(layer: Layer): void {
  for (const { path, value, origin } of layer) {
    const plain = JSON.stringify(value)
    if (plain === undefined || JSON.stringify(JSON.parse(plain, (_, part) => maskSecrets(part))) === plain) continue
    const variable = keyByPath.get(path)?.variable ?? path
    const file = SECRETS.some((secret) => secret === variable)
      ? `, or ${fileVariable(variable as SecretName)} to a file`
      : ''
    throw new InputError(
      `${describeOrigin(origin)}: ${path} holds a password, which belongs into the environment: set ${variable}${file}`,
      { key: path },
    )
  }
}
