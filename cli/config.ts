import { join } from 'node:path'
import type { z } from 'zod'
import { InputError } from '#data/errors.ts'
import { environmentRemarks, FILE_VARIABLE, readEnvironmentLayer } from './config/environment.ts'
import { DEFAULT_FILE, readFileLayer } from './config/file.ts'
import { keys } from './config/keys.ts'
import { DEFAULT, describeOrigin, type Entry, type Layer, type Origin } from './config/layer.ts'
import { Configuration } from './config/schema.ts'
import { maskSecrets, refuseSecrets } from './config/secrets.ts'

/** A configuration in which the folders that follow from others are filled in. */
export type InForce = Configuration & { readonly models: string; readonly reports: string }

/** What is in force, and where each value came from. */
export interface LoadedConfiguration {
  readonly values: InForce
  /** The file that was read, if any. */
  readonly file: string | undefined
  /** By dotted path, for every key. */
  readonly origins: ReadonlyMap<string, Origin>
  /** What should be told to the user although nothing is wrong. */
  readonly remarks: readonly string[]
}

/** @see loadConfiguration */
export interface ConfigurationSources {
  /** The file named on the command line. */
  readonly file?: string
  readonly environment: NodeJS.ProcessEnv
  readonly flags: Layer
}

/** Sets `value` at the dotted `path` of a plain tree, making the groups on the way. */
function setAt(tree: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.')
  const last = names.pop()!
  let group = tree
  for (const name of names) {
    group[name] ??= {}
    group = group[name] as Record<string, unknown>
  }
  group[last] = value
}

/** The value at the dotted `path`; undefined where nothing is set. */
export function valueAt(tree: object, path: string): unknown {
  return path.split('.').reduce<unknown>((group, name) => (group as Record<string, unknown> | undefined)?.[name], tree)
}

/** One line on what is wrong with a value: who set it, what it must be, what it is. */
function explain(issue: z.core.$ZodIssue, tree: object, winners: ReadonlyMap<string, Entry>): InputError {
  const path = issue.path.join('.')
  const key = [...winners.keys()].find((known) => path === known || path.startsWith(`${known}.`))
  const entry = key === undefined ? undefined : winners.get(key)
  const value = maskSecrets(valueAt(tree, path))
  const words = issue.message
    .replace(/^Invalid input: |^Invalid option: /, '')
    .replace(/^[A-Z][a-z]/, (first) => first.toLowerCase())
  const where = entry ? `${describeOrigin(entry.origin)}: ` : ''
  const got = value === undefined ? '' : `, got ${JSON.stringify(value)}`
  return new InputError(`${where}${path}${words.startsWith('must') ? '' : ':'} ${words}${got}`, {
    key: path,
    value,
  })
}

/**
 * Puts layers, weakest first, on the defaults and checks the whole.
 *
 * @throws {InputError} naming key, value and who set it.
 */
export function assemble(layers: readonly Layer[]): Pick<LoadedConfiguration, 'values' | 'origins'> {
  const winners = new Map<string, Entry>()
  for (const entry of layers.flat()) winners.set(entry.path, entry)
  // On top of the full tree of defaults, so that setting a part of a group leaves the rest of it as it is.
  const tree = structuredClone(Configuration.parse({})) as Record<string, unknown>
  for (const { path, value } of winners.values()) setAt(tree, path, value)
  const checked = Configuration.safeParse(tree)
  if (!checked.success) throw explain(checked.error.issues[0], tree, winners)
  const { models, reports, ...rest } = checked.data
  const values = {
    ...rest,
    models: models ?? join(rest.state, 'models'),
    reports: reports ?? join(rest.state, 'reports'),
  }
  return { values, origins: new Map(keys.map(({ path }) => [path, winners.get(path)?.origin ?? DEFAULT])) }
}

/**
 * The configuration: defaults < file < environment < flags.
 *
 * The file is the one named on the command line or in MILLRACE_CONFIG, else `millrace.yaml` in the working directory
 * where there is one.
 *
 * @throws {InputError} with one line on the first thing that is wrong.
 */
export function loadConfiguration({ file, environment, flags }: ConfigurationSources): LoadedConfiguration {
  const named = file ?? (environment[FILE_VARIABLE] || undefined)
  const fileLayer = readFileLayer(named ?? DEFAULT_FILE, { required: named !== undefined })
  for (const layer of [fileLayer, flags]) refuseSecrets(layer)
  return {
    ...assemble([fileLayer, readEnvironmentLayer(environment), flags]),
    file: named ?? (fileLayer.length > 0 ? DEFAULT_FILE : undefined),
    remarks: environmentRemarks(environment),
  }
}
