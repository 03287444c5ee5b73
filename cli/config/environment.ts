import { keyByVariable, parseText } from './keys.ts'
import type { Layer } from './layer.ts'
import { nearest } from './nearest.ts'

/** Names the configuration file; a setting of the command line, not of the configuration. */
export const FILE_VARIABLE = 'MILLRACE_CONFIG'

/** What the environment sets. An empty variable is the same as none. */
export function readEnvironmentLayer(environment: NodeJS.ProcessEnv): Layer {
  return [...keyByVariable].flatMap(([variable, key]) => {
    const text = environment[variable]
    if (text === undefined || text === '') return []
    return [{ path: key.path, value: parseText(key, text), origin: { kind: 'environment', variable } }]
  })
}

/**
 * Remarks on variables that look like ours and are not. Not an error: an orchestrator may set such names on its own
 * account (Kubernetes does for a service named millrace).
 */
export function environmentRemarks(environment: NodeJS.ProcessEnv): string[] {
  const known = [...keyByVariable.keys(), FILE_VARIABLE]
  return Object.keys(environment)
    .filter((name) => name.startsWith('MILLRACE_') && !known.includes(name))
    .map((name) => `the variable ${name} sets nothing; the nearest that does is ${nearest(name, known)}`)
}
