import { pino } from 'pino'
import { brokerEnvironment, openBroker } from '#jobs/broker.ts'

/**
 * A worker whose jobs do nothing but answer: what BullMQ reaches by itself.
 * `node bench/fleet/idle-worker.ts QUEUE CONCURRENCY ANSWER`, broker from the environment; ends with its parent.
 */
const [queue, concurrency, answer] = process.argv.slice(2)
process.on('disconnect', () => process.exit(0))
const broker = await openBroker({
  ...brokerEnvironment(process.env),
  stateDirectory: '.',
  logger: pino({ level: 'error' }, pino.destination(2)),
})
const result: unknown = JSON.parse(answer)
const worker = broker.createWorker(queue, async () => result, { concurrency: Number(concurrency) })
await worker.waitUntilReady()
process.send?.('ready')
