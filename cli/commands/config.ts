import type { Command } from 'commander'
import { execute } from '../command.ts'
import { type Key, keys } from '../config/keys.ts'
import { describeOrigin } from '../config/layer.ts'
import { maskSecrets } from '../config/secrets.ts'
import { type LoadedConfiguration, valueAt } from '../config.ts'
import { addFlags } from '../flags.ts'
import { layOut } from '../table.ts'

const HELP = `
Order, the later the stronger: defaults, the file, the environment, flags.

The file is YAML: millrace.yaml in the working directory, or the one named by --config or MILLRACE_CONFIG.
Each key has one environment variable: MILLRACE_ and its path in capitals, with a _ wherever a level or a word
begins, e.g. training.cde.learningRate is MILLRACE_TRAINING_CDE_LEARNING_RATE. Named otherwise are only
fleet.redisUrl (REDIS_URL), fleet.postgresUrl (MILLRACE_POSTGRES_URL) and fleet.namespace (MILLRACE_NAMESPACE).
Lists are written a,b; mappings as JSON. An empty variable is the same as none. --keys lists them all.
Any key can be set by --set path=value. Paths are relative to the working directory.

Examples:
  millrace config
  millrace config --keys
  millrace config --json | jq .values.training
  MILLRACE_TRAINING_KNOTS=24 millrace config --set wheel.maxPositions=3`

function describeKeys(all: readonly Key[]): string {
  return layOut([
    ['key', 'variable', 'what it is'],
    ...all.map(({ path, variable, description }) => [path, variable, description]),
  ])
}

function describeForce({ values, origins }: LoadedConfiguration): string {
  const rows = keys.map(({ path }) => {
    const value = maskSecrets(valueAt(values, path))
    const text = value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value)
    return [path, text, describeOrigin(origins.get(path)!)]
  })
  return layOut([['key', 'value', 'from'], ...rows])
}

function toDocument({ values, origins, file }: LoadedConfiguration) {
  const masked = JSON.parse(JSON.stringify(values), (_, value) => maskSecrets(value))
  return { file: file ?? null, values: masked, origins: Object.fromEntries(origins) }
}

/** `config`: what is in force and where each value came from. */
export function registerConfig(program: Command): void {
  const command = program.command('config').description('show the settings in force and where each came from')
  addFlags(command.option('--keys', 'list all keys with their environment variables'), [
    'data',
    'training',
    'fleet',
    'place',
  ])
  command.addHelpText('after', HELP).action(
    execute(async ({ configuration, output }) => {
      if (command.opts<{ keys?: boolean }>().keys) await output.result(keys, describeKeys)
      else if (output.json) await output.result(toDocument(configuration), JSON.stringify)
      else await output.result(configuration, describeForce)
    }),
  )
}
