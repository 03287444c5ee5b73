import { once } from 'node:events'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { InputError } from '#data/errors.ts'
import type { QueueName } from '#jobs/queues.ts'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'

const HELP = `
A worker takes jobs of the fleet until it is told to end (Ctrl-C or SIGTERM): then it finishes what it holds.
It may run on any machine that reaches the broker and the model registry (a copy or a shared folder).

Examples:
  REDIS_URL=redis://10.0.0.5:6379 millrace worker --models /mnt/millrace/models --concurrency 2
  REDIS_URL=redis://10.0.0.5:6379 millrace worker --queues infer,train`

/** `worker`: serves the queues of a fleet from this machine. */
export function registerWorker(program: Command): void {
  const command = program
    .command('worker')
    .description('serve inference (and training) jobs of a fleet on this machine')
  const queues = new Option('--queues <names>', 'infer, train, or both')
    .default(['infer'], 'infer')
    .argParser(readQueues)
  addFlags(command.addOption(queues), ['worker', 'place'])
  command.addHelpText('after', HELP).action(
    execute(async ({ configuration, context }) => {
      const { fleet, state, models, maxModelAgeDays } = configuration.values
      const { logger, signal } = context
      if (fleet.redisUrl === undefined && fleet.postgresUrl === undefined) {
        throw new InputError("a worker needs the fleet's broker: set REDIS_URL to the Redis that the others use")
      }
      const { openBroker } = await import('#jobs/broker.ts')
      const { serveQueues } = await import('#jobs/serve.ts')
      const broker = await openBroker({ ...fleet, stateDirectory: state, logger })
      const served = await serveQueues({
        broker,
        queues: command.opts<{ queues: QueueName[] }>().queues,
        concurrency: fleet.concurrency,
        modelsDirectory: models,
        maxAgeDays: maxModelAgeDays,
        logger,
      })
      logger.info(`worker ${process.pid} serves ${served.description}`)
      if (!signal.aborted) await once(signal, 'abort')
      await served.drain()
      await broker.close()
    }),
  )
}

const QUEUE_NAMES: readonly string[] = ['infer', 'train'] satisfies QueueName[]

function readQueues(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  for (const name of names) {
    if (!QUEUE_NAMES.includes(name)) {
      throw new InvalidArgumentError(`There is no queue "${name}", only ${QUEUE_NAMES.join(' and ')}.`)
    }
  }
  return names
}
