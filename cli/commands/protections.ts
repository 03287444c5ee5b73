import { existsSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { Journal } from '#src/ledger/journal.ts'
import { type CommandContext, execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { describeProtections, type ProtectionsInForce } from '../summaries/protections.ts'

/** A command on the protections of a ledger, with what stands behind its name on the command line. */
interface ProtectionsCommand {
  readonly usage: string
  readonly description: string
  readonly options: readonly Option[]
  readonly help: string
  /** Records what was asked for; `list` records nothing. */
  readonly record?: (journal: Journal, given: Given) => Promise<void>
}

interface Given {
  readonly words: readonly string[]
  readonly options: {
    readonly by?: string
    readonly reason?: string
    readonly hours?: number
    readonly ledger?: string
  }
}

const SIGNED = [
  new Option('--by <name>', 'who says so; kept in the ledger'),
  new Option('--reason <text>', 'why; kept in the ledger'),
]
// A number from the start: a text would be taken for the setting that has the same flag elsewhere.
const HOURS = new Option(
  '--hours <count>',
  'for so long, from the time of the ledger on; default: until it is lifted',
).argParser(hoursOf)

const COMMANDS: readonly ProtectionsCommand[] = [
  {
    usage: 'list',
    description: 'list what forbids new positions, who set it, and until when',
    options: [],
    help: `
Examples:
  millrace protections list
  millrace protections list --ledger var/backtests/spring/ledger.sqlite --json`,
  },
  {
    usage: 'lock <coin>',
    description: 'forbid new positions in a coin, or with * in all of them; what is open is left to its plan',
    options: [HOURS, ...SIGNED],
    help: `
A ledger has one writer: stop \`millrace paper\` first, and start it again afterwards.

Examples:
  millrace protections lock LUNA --by Ada --reason "delisting announced"
  millrace protections lock '*' --hours 24 --by Ada --reason "interest rate decision"`,
    async record({ record, state }, { words: [scope], options: { hours, ...signed } }) {
      const { lockEvent } = await import('#src/protections/manual.ts')
      const until = hours === undefined ? null : state.time + hours * HOUR
      record(lockEvent(state, { scope, ...signatureOf(signed) }, until))
    },
  },
  {
    usage: 'lift <kind> <coin>',
    description: 'end a protection before its time; it is not set again for what led to it',
    options: SIGNED,
    help: `
Kinds and coins are those of \`millrace protections list\`. A ledger has one writer: stop \`millrace paper\` first.

Examples:
  millrace protections lift lock LUNA --by Ada --reason "delisting called off"
  millrace protections lift drawdown '*' --by Ada --reason "a bad price, corrected since"`,
    async record({ record, state }, { words: [kind, scope], options }) {
      const { liftEvent } = await import('#src/protections/manual.ts')
      record(liftEvent(state, kind, { scope, ...signatureOf(options) }))
    },
  },
]

/** `protections list | lock | lift`: what forbids new positions. */
export function registerProtections(program: Command): void {
  const group = program.command('protections').description('what forbids new positions, and locks by hand')
  for (const { usage, description, options, help, record } of COMMANDS) {
    const command = group.command(usage).description(description)
    for (const option of options) command.addOption(option)
    command.option('--ledger <file>', 'ledger to look at; default: that of `millrace paper`')
    addFlags(command, ['place']).addHelpText('after', help)
    const action = execute(async (context) => {
      const given = { words: command.args, options: command.opts<Given['options']>() }
      await context.output.result(await onLedger(given, record, context), describeProtections)
    })
    command.action(() => action({}, command))
  }
}

/** Opens the ledger, records what is asked for, and gives what is in force then. */
async function onLedger(
  given: Given,
  record: ProtectionsCommand['record'],
  { configuration }: CommandContext,
): Promise<ProtectionsInForce> {
  const { paperLedger } = await import('#jobs/trading/ledgers.ts')
  const { openSqliteLedger } = await import('#src/ledger/sqlite-ledger.ts')
  const { openJournal } = await import('#src/ledger/journal.ts')
  const { inForce } = await import('#src/protections/protections.ts')
  const path = given.options.ledger ?? paperLedger(configuration.values.state)
  if (!existsSync(path)) {
    throw new InputError(`there is no ledger ${path}: \`millrace paper\` makes one, --ledger names another`, { path })
  }
  const store = openSqliteLedger(path, { readOnly: record === undefined })
  try {
    const journal = openJournal(store)
    await record?.(journal, given)
    journal.commit()
    const { time } = journal.state
    return { ledger: path, time: Number.isFinite(time) ? time : null, protections: inForce(journal.state, time) }
  } finally {
    store.close()
  }
}

/** @throws {InputError} where somebody or something is not named: the ledger keeps both. */
function signatureOf({ by, reason }: Given['options']): { readonly by: string; readonly reason: string } {
  if (by === undefined || reason === undefined) {
    throw new InputError(`--${by === undefined ? 'by' : 'reason'} is missing: the ledger keeps who says so and why`)
  }
  return { by, reason }
}

function hoursOf(text: string): number {
  const hours = Number(text)
  if (Number.isInteger(hours) && hours > 0) return hours
  throw new InvalidArgumentError('It must be a whole number above 0.')
}
