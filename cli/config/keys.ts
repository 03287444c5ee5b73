import { z } from 'zod'
import { Configuration } from './schema.ts'

/** A value that can be set: a leaf of the configuration. */
export interface Key {
  /** Where it stands, dotted: `training.cde.learningRate`. */
  readonly path: string
  /** The one environment variable that sets it. */
  readonly variable: string
  /** How text (of a variable or flag) becomes its value; a `mapping` is JSON. */
  readonly kind: 'number' | 'boolean' | 'text' | 'list' | 'numbers' | 'mapping'
  readonly description: string
}

/** What is used of the JSON schema that zod writes. */
interface Node {
  readonly type?: string
  readonly properties?: Record<string, Node>
  readonly items?: Node
  readonly description?: string
}

/** Variables that have their name from elsewhere: Redis' customary one and those of the worker processes. */
const NAMED_ELSEWHERE: Readonly<Record<string, string>> = {
  'fleet.redisUrl': 'REDIS_URL',
  'fleet.postgresUrl': 'MILLRACE_POSTGRES_URL',
  'fleet.namespace': 'MILLRACE_NAMESPACE',
}

/**
 * `training.cde.learningRate` -> `MILLRACE_TRAINING_CDE_LEARNING_RATE`: a `_` wherever a level or a word begins.
 * Two keys with one name would be ambiguous; a test keeps that from happening.
 */
export function variableOf(path: string): string {
  const words = path.replaceAll('.', '_').replace(/([a-z0-9])([A-Z])/g, '$1_$2')
  return NAMED_ELSEWHERE[path] ?? `MILLRACE_${words.toUpperCase()}`
}

function kindOf({ type, items }: Node): Key['kind'] {
  switch (type) {
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'array':
      return items?.type === 'integer' || items?.type === 'number' ? 'numbers' : 'list'
    case 'object':
      return 'mapping'
    default:
      return 'text'
  }
}

function* leaves(node: Node, path: readonly string[]): Generator<Key> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const here = [...path, name]
    // A record has no properties of its own: it is set as a whole.
    if (child.properties) yield* leaves(child, here)
    else {
      const dotted = here.join('.')
      const description = child.description ?? ''
      yield { path: dotted, variable: variableOf(dotted), kind: kindOf(child), description }
    }
  }
}

/** Every key, in the order of the schema. */
export const keys: readonly Key[] = [...leaves(z.toJSONSchema(Configuration, { io: 'input' }) as Node, [])]

export const keyByPath: ReadonlyMap<string, Key> = new Map(keys.map((key) => [key.path, key]))
export const keyByVariable: ReadonlyMap<string, Key> = new Map(keys.map((key) => [key.variable, key]))

/** The names one level below `path` (`''` for the top); empty for a leaf or an unknown path. */
export function namesBelow(path: string): string[] {
  const prefix = path === '' ? '' : `${path}.`
  const below = keys.filter((key) => key.path.startsWith(prefix)).map((key) => key.path.slice(prefix.length))
  return [...new Set(below.map((rest) => rest.split('.', 1)[0]))]
}

/**
 * What `text` stands for as a value of `key`. Text that does not fit stays text: the schema then says what was
 * expected, in one place for file, environment and flags.
 */
export function parseText(key: Pick<Key, 'kind'>, text: string): unknown {
  switch (key.kind) {
    case 'number':
      return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)
    case 'numbers':
      return text.split(',').map((item) => parseText({ kind: 'number' }, item))
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'list':
      return text.split(',').map((item) => item.trim())
    case 'mapping':
      try {
        return JSON.parse(text)
      } catch {
        return text
      }
    case 'text':
      return text
  }
}
