import { pino } from 'pino'
import { brokerEnvironment, openBroker } from '#jobs/broker.ts'

/**
 * A worker whose jobs do nothing: what BullMQ reaches by itself.
 * `node bench/fleet/empty-worker.ts QUEUE CONCURRENCY`, broker from the environment; ends with its parent.
 */
const [queue, concurrency] = process.argv.slice(2)
process.on('disconnect', () => process.exit(0))
const broker = await openBroker({
  ...brokerEnvironment(process.env),
  stateDirectory: '.',
  logger: pino({ level: 'error' }, pino.destination(2)),
})
const worker = broker.createWorker(queue, async () => 0, { concurrency: Number(concurrency) })
await worker.waitUntilReady()
process.send?.('ready')
