import type { Broker, BrokerQueue } from './broker.ts'
import type { BrokerFlowProducer } from './brokers/bull.ts'
import type { FleetQueue } from './fleet-queues.ts'

const queues = new WeakMap<Broker, Map<FleetQueue, BrokerQueue<unknown, unknown>>>()

/** The one queue object of this broker for `name`: whoever looks at it again and again opens it once. */
export function queueOf<Data = unknown, Result = unknown>(broker: Broker, name: FleetQueue): BrokerQueue<Data, Result> {
  const ofBroker = queues.get(broker) ?? new Map<FleetQueue, BrokerQueue<unknown, unknown>>()
  queues.set(broker, ofBroker)
  const queue = ofBroker.get(name) ?? broker.createQueue<unknown, unknown>(name)
  ofBroker.set(name, queue)
  return queue as unknown as BrokerQueue<Data, Result>
}

const producers = new WeakMap<Broker, BrokerFlowProducer>()

/** The one flow producer of this broker. */
export function flowProducerOf(broker: Broker): BrokerFlowProducer {
  const producer = producers.get(broker) ?? broker.createFlowProducer()
  producers.set(broker, producer)
  return producer
}
