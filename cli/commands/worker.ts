import { once } from 'node:events'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { InputError } from '#data/errors.ts'
import type { QueueName } from '#jobs/queues.ts'
import { type CommandContext, execute } from '../command.ts'
import { addFlags } from '../flags.ts'

const HELP = `
A worker takes jobs of the fleet until it is told to end (Ctrl-C or SIGTERM): then it finishes what it holds, and what
it cannot finish within the drain limit goes back to the queue.
On a machine of its own it needs REDIS_URL and the model store, nothing else: models are checked and kept in
models-cache below the state folder, and a new champion is picked up while it runs. Keys of an s3:// store come from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. With --models it serves from that folder instead.

Examples:
  REDIS_URL=redis://10.0.0.5:6379 millrace worker --store /mnt/millrace/store --concurrency 2
  REDIS_URL=redis://10.0.0.5:6379 millrace worker --store s3://models/prod --queues infer,train --train-memory-mb 4000
  REDIS_URL=redis://10.0.0.5:6379 millrace worker --store s3://models --set store.endpoint=http://10.0.0.7:9000
  REDIS_URL=redis://10.0.0.5:6379 millrace worker --models /mnt/millrace/models --port 9471`

interface Options {
  readonly queues: QueueName[]
  readonly port?: number
}

/** `worker`: serves the queues of a fleet from this machine. */
export function registerWorker(program: Command): void {
  const command = program
    .command('worker')
    .description('serve inference (and training) jobs of a fleet on this machine')
  const queues = new Option('--queues <names>', 'infer, train, or both')
    .default(['infer'], 'infer')
    .argParser(readQueues)
  const port = new Option(
    '--port <number>',
    'serve /healthz, /readyz and /metrics on this port of watch.host (0: any free one)',
  ).argParser(readPort)
  addFlags(command.addOption(queues).addOption(port), ['worker', 'place'])
  command.addHelpText('after', HELP).action(execute((given) => runWorker(given, command.opts<Options>())))
}

async function runWorker({ configuration, context }: CommandContext, { queues, port }: Options): Promise<void> {
  const { values, origins } = configuration
  const { fleet, state, store, maxModelAgeDays, watch } = values
  const { logger, signal } = context
  if (fleet.redisUrl === undefined && fleet.postgresUrl === undefined) {
    throw new InputError("a worker needs the fleet's broker: set REDIS_URL to the Redis that the others use")
  }
  const { openBroker } = await import('#jobs/broker.ts')
  const { serveQueues } = await import('#jobs/serve.ts')
  const { storeKeys } = await import('#jobs/store-keys.ts')
  const { createTelemetry } = await import('#jobs/watch/telemetry.ts')
  // A folder that nobody named is no folder of this worker's own where there is a store.
  const follows = store.url !== undefined && origins.get('models')?.kind === 'default'
  const traces = await createTelemetry(process.env, 'millrace-worker', logger)
  const broker = await openBroker({ ...fleet, stateDirectory: state, telemetry: traces?.telemetry, logger })
  const instruments = port === undefined ? undefined : await openInstruments()
  const served = await serveQueues({
    broker,
    queues,
    concurrency: fleet.concurrency,
    modelsDirectory: follows ? undefined : values.models,
    stateDirectory: state,
    ...(store.url !== undefined && { store: { ...store, url: store.url }, storeKeys: storeKeys(process.env) }),
    maxAgeDays: maxModelAgeDays,
    drainLimit: fleet.drainSeconds * 1000,
    trainMemoryMb: fleet.trainMemoryMb,
    onWorker: instruments?.observe,
    farewell: true,
    logger,
  })
  const ready = () => [
    ...(signal.aborted ? ['it is about to end'] : []),
    ...served.workers.filter((worker) => !worker.isRunning()).map(({ name }) => `it takes no jobs of ${name}`),
  ]
  const http = port === undefined ? undefined : await instruments?.listen({ host: watch.host, port, ready, logger })
  logger.info(`worker ${process.pid} serves ${served.description}${http ? `, health and metrics at ${http.url}` : ''}`)
  if (!signal.aborted) await once(signal, 'abort')
  await served.drain()
  await http?.close()
  await broker.close()
  await traces?.shutdown()
}

/** Metrics of this process and the HTTP end that shows them; loaded only where they are asked for. */
async function openInstruments() {
  const { createProcessMetrics } = await import('#jobs/watch/metrics.ts')
  const { observeWorker } = await import('#jobs/watch/observe-worker.ts')
  const { startWorkerHttp } = await import('#jobs/watch/http.ts')
  const metrics = createProcessMetrics()
  return {
    observe: (worker: Parameters<typeof observeWorker>[0]) => observeWorker(worker, metrics),
    listen: (options: Omit<Parameters<typeof startWorkerHttp>[0], 'metrics'>) =>
      startWorkerHttp({ ...options, metrics }),
  }
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

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65535) return port
  throw new InvalidArgumentError('It must be a number from 0 to 65535.')
}
