import { type Command, InvalidArgumentError, Option } from 'commander'
import { InputError } from '#data/errors.ts'
import { keyByPath, keys, parseText } from './config/keys.ts'
import type { Layer } from './config/layer.ts'
import { nearest } from './config/nearest.ts'

/** A flag that sets a key of the configuration. */
interface Flag {
  readonly flags: string
  readonly path: string
}

/** Flags by the part of the work that they are about; every key has `--set` besides. */
const GROUPS = {
  data: [
    { flags: '--source <name>', path: 'source' },
    { flags: '--data <folder>', path: 'data' },
    { flags: '--api-url <url>', path: 'apiUrl' },
    { flags: '--coins <names>', path: 'coins' },
    { flags: '--from <date>', path: 'from' },
    { flags: '--to <date>', path: 'to' },
    { flags: '--test-from <date>', path: 'testFrom' },
    { flags: '--pool <names>', path: 'pool' },
    { flags: '--seed <number>', path: 'seed' },
  ],
  versions: [{ flags: '--versions <alias>', path: 'versions' }],
  training: [{ flags: '--backend <name>', path: 'training.backend' }],
  fleet: [
    { flags: '--workers <count>', path: 'fleet.workers' },
    { flags: '--concurrency <count>', path: 'fleet.concurrency' },
  ],
  worker: [
    { flags: '--concurrency <count>', path: 'fleet.concurrency' },
    { flags: '--store <url>', path: 'store.url' },
    { flags: '--drain-limit <seconds>', path: 'fleet.drainSeconds' },
    { flags: '--train-memory-mb <megabytes>', path: 'fleet.trainMemoryMb' },
  ],
  search: [
    { flags: '--space <name>', path: 'search.space' },
    { flags: '--name <name>', path: 'search.name' },
    { flags: '--trials <count>', path: 'search.trials' },
    { flags: '--parallel <count>', path: 'search.parallel' },
  ],
  evaluation: [
    { flags: '--folds <count>', path: 'evaluation.folds' },
    { flags: '--seeds <count>', path: 'evaluation.seeds' },
    { flags: '--threads <count>', path: 'evaluation.threads' },
  ],
  backtest: [
    { flags: '--name <name>', path: 'backtest.name' },
    { flags: '--regimes <who>', path: 'backtest.regimes' },
    { flags: '--model <kind>', path: 'backtest.model' },
  ],
  paper: [
    { flags: '--pace <seconds>', path: 'paper.pace' },
    { flags: '--hours <count>', path: 'paper.hours' },
  ],
  rounds: [
    { flags: '--pace <seconds>', path: 'rounds.pace' },
    { flags: '--rounds <count>', path: 'rounds.rounds' },
    { flags: '--port <number>', path: 'watch.port' },
    { flags: '--host <address>', path: 'watch.host' },
    { flags: '--store <url>', path: 'store.url' },
  ],
  place: [
    { flags: '--state <folder>', path: 'state' },
    { flags: '--models <folder>', path: 'models' },
    { flags: '--reports <folder>', path: 'reports' },
    { flags: '--log-level <level>', path: 'log.level' },
  ],
} as const satisfies Record<string, readonly Flag[]>
export type FlagGroup = keyof typeof GROUPS

const TITLES: Record<FlagGroup, string> = {
  data: 'Data:',
  versions: 'Models:',
  training: 'Training:',
  fleet: 'Fleet:',
  worker: 'Fleet:',
  search: 'Search:',
  evaluation: 'Evaluation:',
  backtest: 'Backtest:',
  paper: 'Paper trading:',
  rounds: 'Rounds:',
  place: 'Folders and log:',
}

function collect(pair: string, before: readonly string[] = []): string[] {
  if (!/^[^=]+=/.test(pair)) throw new InvalidArgumentError('It must be key=value.')
  return [...before, pair]
}

/** Gives `command` the flags of `groups` and those that all commands have. */
export function addFlags(command: Command, groups: readonly FlagGroup[]): Command {
  for (const group of groups) {
    command.optionsGroup(TITLES[group])
    for (const { flags, path } of GROUPS[group]) command.option(flags, keyByPath.get(path)?.description)
  }
  command.optionsGroup('Settings and output:')
  return command
    .option('--config <file>', 'settings in YAML (default: millrace.yaml where there is one)')
    .addOption(
      new Option('--set <key=value>', 'any setting, e.g. training.cde.epochs=10; may be repeated').argParser(collect),
    )
    .option('--json', 'one JSON document on stdout, everything else on stderr')
}

function settingEntry(pair: string): Layer[number] {
  const split = pair.indexOf('=')
  const path = pair.slice(0, split).trim()
  const key = keyByPath.get(path)
  if (!key) {
    const near = nearest(
      path,
      keys.map((known) => known.path),
    )
    throw new InputError(`--set: unknown key "${path}"; the nearest is "${near}"`, { key: path })
  }
  return { path, value: parseText(key, pair.slice(split + 1)), origin: { kind: 'flag', flag: `--set ${path}` } }
}

/** What the flags that were given set; `--set` first, so that a flag of its own name is the stronger. */
export function flagLayer(command: Command): Layer {
  const given = command.opts<Record<string, unknown>>()
  const set = ((given.set as string[] | undefined) ?? []).map(settingEntry)
  const named = Object.values(GROUPS)
    .flat()
    .flatMap(({ flags, path }): Layer => {
      const option = new Option(flags)
      const text = given[option.attributeName()]
      if (typeof text !== 'string') return []
      return [{ path, value: parseText(keyByPath.get(path)!, text), origin: { kind: 'flag', flag: option.long! } }]
    })
  return [...set, ...named]
}
