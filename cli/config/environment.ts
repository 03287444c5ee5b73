import { fileVariable, readSecret, readSecrets, SECRETS, type SecretName } from '#jobs/secrets.ts'
import { keyByVariable, parseText } from './keys.ts'
import type { Layer } from './layer.ts'
import { nearest } from './nearest.ts'

/** Names the configuration file; a setting of the command line, not of the configuration. */
export const FILE_VARIABLE = 'MILLRACE_CONFIG'

/** Addresses that are settings and hold passwords: a file may hold them as it may hold any secret. */
const SECRET_SETTINGS: readonly string[] = SECRETS.filter((name) => keyByVariable.has(name))

/**
 * What the environment sets. An empty variable is the same as none.
 *
 * @throws {InputError} where the file of a secret cannot be read (see `jobs/secrets.ts`)
 */
export function readEnvironmentLayer(environment: NodeJS.ProcessEnv): Layer {
  return [...keyByVariable].flatMap(([variable, key]) => {
    if (SECRET_SETTINGS.includes(variable)) {
      const secret = readSecret(environment, variable as SecretName)
      if (!secret) return []
      return [{ path: key.path, value: secret.value, origin: { kind: 'environment', variable: secret.variable } }]
    }
    const text = environment[variable]
    if (text === undefined || text === '') return []
    return [{ path: key.path, value: parseText(key, text), origin: { kind: 'environment', variable } }]
  })
}

/**
 * Remarks on files of secrets that others may read, and on variables that look like ours and are not. The latter are no
 * error: an orchestrator may set such names on its own account (Kubernetes does for a service named millrace).
 *
 * @throws {InputError} where the file of a secret cannot be read
 */
export function environmentRemarks(environment: NodeJS.ProcessEnv): string[] {
  const known = [...keyByVariable.keys(), FILE_VARIABLE, ...SECRETS, ...SECRETS.map(fileVariable)]
  const strangers = Object.keys(environment)
    .filter((name) => name.startsWith('MILLRACE_') && !known.includes(name))
    .map((name) => `the variable ${name} sets nothing; the nearest that does is ${nearest(name, known)}`)
  return [...readSecrets(environment).remarks, ...strangers]
}
