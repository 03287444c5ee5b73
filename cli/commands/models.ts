import type { Command } from 'commander'
import { InputError } from '#data/errors.ts'
import { SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import type { Registry } from '#models/registry.ts'
import type { AgeLimit } from '#models/registry-expiry.ts'
import { type CommandContext, execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { forceOf } from '../force.ts'
import {
  describeExpiry,
  describePromotion,
  describeRollbacks,
  describeVersion,
  describeVersions,
} from '../summaries/models.ts'

/** A command on the registry, with what stands behind its name on the command line. */
interface ModelsCommand {
  readonly usage: string
  readonly description: string
  readonly options?: readonly (readonly [flags: string, description: string])[]
  readonly help: string
  readonly run: (given: Given, context: CommandContext) => Promise<void>
}

/** What a command on the registry works with. */
interface Given {
  readonly registry: Registry
  readonly limit: AgeLimit
  readonly words: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

const COMMANDS: readonly ModelsCommand[] = [
  {
    usage: 'list',
    description: 'list all versions, checked against their digests, with what is wrong with any',
    help: `
Examples:
  millrace models list
  millrace models list --json`,
    async run({ registry, limit }, { output }) {
      const { listVersions } = await import('#models/registry-view.ts')
      await output.result(await listVersions(registry, limit), describeVersions)
    },
  },
  {
    usage: 'show <version>',
    description: 'show a version: data, configuration, seed, metrics, parity, files, verdict, history',
    help: `
A version is named by kind and alias, by its id, or by as much of its id (from its time or its digest) as no other has.

Examples:
  millrace models show cde@champion
  millrace models show 20250401T12 --json`,
    async run({ registry, limit, words: [reference] }, { output }) {
      const { findVersion, showVersion } = await import('#models/registry-view.ts')
      await output.result(await showVersion(registry, await findVersion(registry, reference), limit), describeVersion)
    },
  },
  {
    usage: 'promote <version>',
    description: 'make a version champion, if a verdict ships it',
    options: [
      ['--challenger', 'make it challenger only, so that `evaluate --versions challenger` compares it'],
      ['--force', 'whatever the verdict says; needs a reason'],
      ['--reason <text>', 'why it is forced; kept in the log'],
    ],
    help: `
What counts is the last verdict that has compared this very version: \`train\`, \`run\` and \`evaluate\` give one.

Examples:
  millrace models promote cde@challenger
  millrace models promote 20250401T12 --challenger
  millrace models promote 3f9ac --force --reason "paper trading of May"`,
    async run({ registry, limit, words: [reference], options }, { output }) {
      const { findVersion } = await import('#models/registry-view.ts')
      const { makeChallenger, promoteVersion } = await import('#models/registry-promotion.ts')
      if (options.challenger && options.force) throw new InputError('a challenger needs no --force')
      const force = forceOf(options)
      const version = await findVersion(registry, reference)
      const promotion = options.challenger
        ? await makeChallenger(registry, version, limit)
        : await promoteVersion(registry, version, { ...limit, force })
      await output.result(promotion, describePromotion)
    },
  },
  {
    usage: 'rollback [kind]',
    description: 'put the champion back to the one before; again goes further back',
    options: [['--reason <text>', 'why; kept in the log']],
    help: `
Without a kind (${SERVED_KINDS.join(' or ')}) all go back that the last promotion has moved. A former champion that is
gone, broken or expired is passed over, with a remark.

Examples:
  millrace models rollback
  millrace models rollback cde --reason "churns on thin coins"`,
    async run({ registry, limit, words: [kind], options }, { output }) {
      const { rollbackChampions } = await import('#models/registry-promotion.ts')
      const reason = String(options.reason ?? 'asked for on the command line')
      const rollbacks = await rollbackChampions(registry, kind === undefined ? undefined : kindOf(kind), {
        ...limit,
        reason,
      })
      await output.result(rollbacks, describeRollbacks)
    },
  },
  {
    usage: 'expire [versions...]',
    description: 'keep versions from serving, by name or by age',
    options: [
      ['--older-than <age>', 'all that are older, e.g. 30d or 36h'],
      ['--delete', 'also remove what is expired and no alias points at, but for the champion before the present one'],
      ['--reason <text>', 'why; kept in the log'],
    ],
    help: `
An expired champion does not serve: the fleet steps down to the other kind, or to no estimates, and says so. The setting
maxModelAgeDays does the same for every version of that age, without any command.

Examples:
  millrace models expire 3f9ac --reason "trained on a broken feed"
  millrace models expire --older-than 30d --delete`,
    async run({ registry, limit, words, options }, { output }) {
      const { findVersion } = await import('#models/registry-view.ts')
      const { expireVersions } = await import('#models/registry-expiry.ts')
      const remove = options.delete === true
      const olderThan = options.olderThan === undefined ? undefined : ageOf(String(options.olderThan))
      if (words.length === 0 && olderThan === undefined && !remove) {
        throw new InputError('name versions, or give --older-than or --delete')
      }
      const versions = []
      for (const reference of words) versions.push(await findVersion(registry, reference))
      const reason = String(
        options.reason ?? (olderThan === undefined ? 'asked for' : `older than ${options.olderThan}`),
      )
      await output.result(
        await expireVersions(registry, { ...limit, versions, olderThan, remove, reason }),
        describeExpiry,
      )
    },
  },
]

/** `models list | show | promote | rollback | expire`: the registry of checkpoints. */
export function registerModels(program: Command): void {
  const group = program.command('models').description('the registry of trained models')
  for (const { usage, description, options = [], help, run } of COMMANDS) {
    const command = group.command(usage).description(description)
    for (const [flags, words] of options) command.option(flags, words)
    addFlags(command, ['place']).addHelpText('after', help)
    const action = execute(async (context) => {
      const { openRegistry } = await import('#models/registry.ts')
      const { models, maxModelAgeDays } = context.configuration.values
      const registry = openRegistry(models)
      const limit = { now: context.context.now(), maxAgeDays: maxModelAgeDays }
      await run({ registry, limit, words: command.args, options: command.opts() }, context)
    })
    command.action(() => action({}, command))
  }
}

function kindOf(text: string): ServedKind {
  const kind = SERVED_KINDS.find((known) => known === text)
  if (kind) return kind
  throw new InputError(`there is no kind "${text}", only ${SERVED_KINDS.join(' and ')}`, { kind: text })
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000 }

/** `30d` or `36h` in milliseconds. */
function ageOf(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([hd])$/.exec(text) ?? []
  if (number === undefined) throw new InputError(`--older-than must be days or hours such as 30d or 36h, got "${text}"`)
  return Number(number) * UNITS[unit]
}
