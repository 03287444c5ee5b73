import type { Broker, BrokerQueue, BrokerQueueEvents } from './broker.ts'
import type { QueueName } from './queues.ts'

/** A queue and what happens on it. */
export interface Channel {
  readonly queue: BrokerQueue<unknown, unknown>
  readonly events: BrokerQueueEvents
}

const channels = new WeakMap<Broker, Map<QueueName, Promise<Channel>>>()

/** The one channel of this broker to `name`: rounds share it, and it ends with the broker. */
export function channelOf(broker: Broker, name: QueueName): Promise<Channel> {
  const ofBroker = channels.get(broker) ?? new Map<QueueName, Promise<Channel>>()
  channels.set(broker, ofBroker)
  const known = ofBroker.get(name)
  if (known) return known
  const opening = open(broker, name)
  ofBroker.set(name, opening)
  opening.catch(() => ofBroker.delete(name))
  return opening
}

async function open(broker: Broker, name: QueueName): Promise<Channel> {
  const events = await broker.createQueueEvents(name)
  // One listener per round and kind of event: any number of rounds may run side by side.
  events.setMaxListeners(0)
  return { queue: broker.createQueue<unknown, unknown>(name), events }
}
