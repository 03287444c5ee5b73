import { type Command, InvalidArgumentError, Option } from 'commander'
import { InputError } from '#data/errors.ts'
import type { Broker } from '#jobs/broker.ts'
import type { KeptLetter } from '#jobs/dead-letters/letter.ts'
import type { Replay } from '#jobs/dead-letters/replay.ts'
import { FLEET_QUEUES, type FleetQueue } from '#jobs/fleet-queues.ts'
import { type CommandContext, execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import {
  describeDropped,
  describeLetter,
  describeLetters,
  describeReplays,
  type ShownLetter,
} from '../summaries/dead.ts'

/** What a command on dead letters works with. */
interface Given {
  readonly broker: Broker
  readonly id: string | undefined
  readonly queue: FleetQueue | undefined
  readonly all: boolean
  readonly limit: number
  /** The very command that replays a letter from where this one runs. */
  readonly commandOf: (id: string) => string
}

/** A command on dead letters, with what stands behind its name on the command line. */
interface DeadCommand {
  readonly usage: string
  readonly description: string
  readonly options: readonly Option[]
  readonly help: string
  readonly run: (given: Given, context: CommandContext) => Promise<void>
}

const QUEUE = new Option('--queue <name>', 'only those of this queue').choices(
  FLEET_QUEUES.filter((name) => name !== 'dead'),
)
const LIMIT = new Option('--limit <count>', 'most letters to list').default(20).argParser(wholeNumber)

const COMMANDS: readonly DeadCommand[] = [
  {
    usage: 'list',
    description: 'list jobs that failed for good: why, when, and how to replay each',
    options: [QUEUE, LIMIT],
    help: `
Letters that were replayed come last. They are kept for 30 days, and 10,000 of them.

Examples:
  millrace dead list
  millrace dead list --queue infer --json`,
    async run({ broker, queue, limit, commandOf }, { output }) {
      const { countLetters, letters } = await import('#jobs/dead-letters/store.ts')
      const shown: Omit<ShownLetter, 'payload'>[] = []
      for await (const letter of letters(broker, queue)) {
        if (shown.length === limit) break
        const { payload: _payload, ...rest } = letter
        shown.push({ ...rest, replay: commandOf(letter.id) })
      }
      await output.result({ open: await countLetters(broker), letters: shown }, describeLetters)
    },
  },
  {
    usage: 'show <id>',
    description: 'show a letter: cause, payload, and what became of it',
    options: [],
    help: `
With --json the payload is there as a whole.

Examples:
  millrace dead show infer-1f9a30c4d27b
  millrace dead show infer-1f9a30c4d27b --json`,
    async run({ broker, id, commandOf }, { output }) {
      const { findLetter } = await import('#jobs/dead-letters/store.ts')
      const letter = await findLetter(broker, id!)
      await output.result({ ...letter, replay: commandOf(letter.id) }, describeLetter)
    },
  },
  {
    usage: 'replay [id]',
    description: 'put a job back onto its queue, with all its attempts',
    options: [new Option('--all', 'every letter that was not replayed yet'), QUEUE],
    help: `
The job gets a new id, which is printed. A step of a round or of a retraining brings those that come after it. The letter
stays, and says when it was replayed.

Examples:
  millrace dead replay infer-1f9a30c4d27b
  millrace dead replay --all --queue infer`,
    async run(given, { output, context }) {
      const { replayLetter } = await import('#jobs/dead-letters/replay.ts')
      const replays: Replay[] = []
      for (const letter of await chosen(given, ({ replayed }) => replayed === undefined)) {
        replays.push(await replayLetter(given.broker, letter, context.now()))
      }
      await output.result(replays, describeReplays)
    },
  },
  {
    usage: 'drop [id]',
    description: 'drop a letter: the job stays undone',
    options: [new Option('--all', 'every letter'), QUEUE],
    help: `
Examples:
  millrace dead drop infer-1f9a30c4d27b
  millrace dead drop --all --queue infer`,
    async run(given, { output }) {
      const { dropLetter } = await import('#jobs/dead-letters/store.ts')
      const dropped: string[] = []
      for (const { id } of await chosen(given, () => true)) {
        if (await dropLetter(given.broker, id)) dropped.push(id)
      }
      await output.result(dropped, describeDropped)
    },
  },
]

/** `dead list | show | replay | drop`: jobs of a running fleet that failed for good. */
export function registerDead(program: Command): void {
  const group = program.command('dead').description('jobs of a running fleet that failed for good')
  for (const { usage, description, options, help, run } of COMMANDS) {
    const command = group.command(usage).description(description)
    for (const option of options) command.addOption(option)
    addFlags(command, ['place']).addHelpText('after', help)
    const action = execute(async (context) => {
      const { openRunningBroker } = await import('#jobs/running-broker.ts')
      const { values, origins } = context.configuration
      const { logger } = context.context
      const given = command.opts<{ queue?: FleetQueue; all?: boolean; limit?: number }>()
      const id = command.args[0]
      if (/\[id\]/.test(usage)) checkChoice(command.name(), id, given)
      const broker = await openRunningBroker({ ...values.fleet, stateDirectory: values.state }, logger)
      const place = origins.get('state')?.kind === 'flag' ? ` --state ${JSON.stringify(values.state)}` : ''
      try {
        await run(
          {
            broker,
            id,
            queue: given.queue,
            all: given.all === true,
            limit: given.limit ?? 0,
            commandOf: (letter) => `millrace dead replay ${letter}${place}`,
          },
          context,
        )
      } finally {
        await broker.close()
      }
    })
    command.action(() => action({}, command))
  }
}

/** @throws {InputError} where it is not one letter, nor all of them */
function checkChoice(name: string, id: string | undefined, { all, queue }: { all?: boolean; queue?: string }): void {
  if (id === undefined && !all) throw new InputError(`name a letter, or say \`millrace dead ${name} --all\``)
  if (id !== undefined && all) throw new InputError('name a letter, or give --all, not both')
  if (id !== undefined && queue) throw new InputError('--queue goes with --all: a letter is named by its id')
}

async function chosen(
  { broker, id, queue }: Given,
  wanted: (letter: KeptLetter) => boolean,
): Promise<readonly KeptLetter[]> {
  const { findLetter, letters } = await import('#jobs/dead-letters/store.ts')
  if (id !== undefined) return [await findLetter(broker, id)]
  const found: KeptLetter[] = []
  for await (const letter of letters(broker, queue)) if (wanted(letter)) found.push(letter)
  return found
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 to 99999.')
  return Number(text)
}
