import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { z } from 'zod'
import { InputError, MillraceError } from '#data/errors.ts'
import { brokerEnvironment, openBroker } from './broker.ts'
import { redactLastWords } from './last-words.ts'
import { QUEUES } from './queues.ts'
import { LOG_HOOKS } from './secrets.ts'
import { DRAIN_LIMIT, serveQueues } from './serve.ts'
import { storeKeys } from './store-keys.ts'
import { createTelemetry } from './watch/telemetry.ts'

/**
 * Entry of a worker process: `node jobs/worker.ts --queues infer,train --concurrency 2 --models var/models`. With
 * `--store` and no `--models` the store is followed.
 *
 * The broker comes from the environment (`REDIS_URL`, or what the parent's broker gives), and so do the keys of the store. Logs go to stderr as
 * JSON lines. SIGTERM, SIGINT and a parent that ends make it finish what it holds and go.
 */

/** What is left, after the drain limit, to close connections, milliseconds. */
const FAREWELL = 3_000

const count = z.coerce.number().int().positive()
const argumentsSchema = z.object({
  queues: z
    .string()
    .default('infer')
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(QUEUES)).min(1)),
  concurrency: count.default(1),
  models: z.string().optional(),
  state: z.string().default('var'),
  'max-age-days': z.coerce.number().positive().optional(),
  threads: count.optional(),
  'drain-limit': count.optional(),
  'lock-duration': count.optional(),
  'stalled-interval': count.optional(),
  store: z.string().optional(),
  'store-endpoint': z.url().optional(),
  'store-region': z.string().optional(),
  'follow-interval': count.optional(),
  'train-memory-mb': z.coerce.number().positive().optional(),
  'train-module': z.url().optional(),
  'serving-module': z.url().optional(),
  farewell: z.literal('yes').optional(),
})

/** @throws {InputError} naming the first argument that is wrong */
function readArguments(): z.infer<typeof argumentsSchema> {
  const options = Object.fromEntries(
    Object.keys(argumentsSchema.shape).map((name) => [name, { type: 'string' as const }]),
  )
  let values: Record<string, unknown>
  try {
    values = parseArgs({ options }).values
  } catch (error) {
    throw new InputError((error as Error).message)
  }
  const checked = argumentsSchema.safeParse(values)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new InputError(`--${issue.path[0] as string}: ${issue.message}`)
}

const logger = pino(
  { name: 'worker', level: process.env.MILLRACE_LOG_LEVEL ?? 'info', hooks: LOG_HOOKS },
  pino.destination({ dest: 2, sync: true }),
)

async function run(): Promise<void> {
  const options = readArguments()
  const traces = await createTelemetry(process.env, 'millrace-worker', logger)
  const telemetry = traces?.telemetry
  const broker = await openBroker({
    ...brokerEnvironment(process.env),
    stateDirectory: options.state,
    telemetry,
    logger,
  })
  const served = await serveQueues({
    broker,
    queues: options.queues,
    concurrency: options.concurrency,
    modelsDirectory: options.models ?? (options.store === undefined ? join(options.state, 'models') : undefined),
    stateDirectory: options.state,
    ...(options.store !== undefined && {
      store: { url: options.store, endpoint: options['store-endpoint'], region: options['store-region'] },
      storeKeys: storeKeys(process.env),
    }),
    followInterval: options['follow-interval'],
    trainMemoryMb: options['train-memory-mb'],
    maxAgeDays: options['max-age-days'],
    threads: options.threads,
    drainLimit: options['drain-limit'],
    lockDuration: options['lock-duration'],
    stalledInterval: options['stalled-interval'],
    trainModule: options['train-module'],
    servingModule: options['serving-module'],
    farewell: options.farewell === 'yes',
    logger,
  })
  logger.info(`worker ${process.pid} serves ${served.description}`)

  let stopping = false
  const stop = async (why: string) => {
    if (stopping) return
    stopping = true
    // A parent that ends its workers knows; whoever started one by hand wants to hear it.
    logger[process.send ? 'debug' : 'info'](`worker ${process.pid}: ${why}, finishing what it holds`)
    // A broker that is gone lets nothing be closed: nobody may be left waiting for it.
    setTimeout(() => process.exit(1), (options['drain-limit'] ?? DRAIN_LIMIT) + FAREWELL).unref()
    await served.drain()
    await broker.close()
    await traces?.shutdown()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal).catch(fail))
  process.on('disconnect', () => void stop('its parent is gone').catch(fail))
  process.send?.({ type: 'ready', description: served.description })
}

function fail(error: unknown): void {
  const action = error instanceof MillraceError ? error.action : 'fatal'
  logger.fatal({ err: error }, error instanceof Error ? error.message : String(error))
  process.exit(action === 'fix-input' ? 2 : 1)
}

redactLastWords()
await run().catch(fail)
