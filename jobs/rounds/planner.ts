import type { Logger } from 'pino'
import { HOUR } from '#data/bars.ts'
import type { Broker, BrokerQueue } from '../broker.ts'
import type { BrokerFlowProducer } from '../brokers/bull.ts'
import { roundFlow } from '../fleet-queues.ts'
import { flowProducerOf, queueOf } from '../queue-of.ts'
import type { FleetRecords, RoundRecord } from '../records.ts'
import type { RoundClock } from './clock.ts'
import { LAST_STEP, ROUND_STEPS, roundTree, stepId } from './flow.ts'
import type { RoundOptions } from './options.ts'

export interface PlannerOptions {
  readonly broker: Broker
  readonly records: FleetRecords
  readonly clock: RoundClock
  readonly rounds: Pick<RoundOptions, 'missed' | 'rounds'>
  readonly logger: Logger
}

/** What became of a look at the clock. */
export type Planned =
  | { readonly begun: number }
  | {
      readonly waits:
        | 'nothing is due'
        | 'a round is under way'
        | 'the schedule is paused'
        | 'all rounds that were asked for are over'
    }

/** Begins rounds: at most one is under way, and none begins before all earlier ones have ended. */
export interface RoundPlanner {
  /**
   * Looks what is due, and begins it. Any number of callers may ask at any time (a schedule, the end of a round, a
   * restart): a round is begun once, whatever the clock does, because its hour is its name.
   */
  plan(): Promise<Planned>
  /** Rounds that are due and have not ended. */
  due(): number
}

/** A planner over records and broker. Missed rounds come one after the other, or are left out and written down. */
export function createRoundPlanner(options: PlannerOptions): RoundPlanner {
  const { broker, records, clock, rounds, logger } = options
  const queue = queueOf(broker, 'round')
  const hourly = queueOf(broker, 'hourly')
  const producer = flowProducerOf(broker)
  let begun = 0
  let turn: Promise<unknown> = Promise.resolve()

  const look = async (): Promise<Planned> => {
    const last = records.rounds(1)[0]
    if (last?.state === 'running' && !(await ended(last, queue, producer, options))) {
      return { waits: 'a round is under way' }
    }
    const newest = clock.due(last)
    if (newest === undefined || (last !== undefined && newest <= last.asOf)) return { waits: 'nothing is due' }
    if (rounds.rounds !== undefined && begun >= rounds.rounds) {
      return { waits: 'all rounds that were asked for are over' }
    }
    if (await hourly.isPaused()) return { waits: 'the schedule is paused' }
    const asOf = firstOf(last, newest, options)
    const flow = roundFlow(asOf)
    const late = clock.late(asOf)
    // The record first: what the broker then does not get is added again at the next look.
    records.beginRound({ asOf, flow, startedAt: clock.now(), late })
    await producer.add(roundTree(asOf))
    begun++
    const behind = (newest - asOf) / HOUR
    logger.debug({ flow, late, behind }, `round ${flow} begins${behind > 0 ? `, ${behind} more are due` : ''}`)
    return { begun: asOf }
  }

  return {
    plan() {
      // One look at a time: two must not begin the same round side by side.
      const next = turn.then(look)
      turn = next.catch(() => {})
      return next
    },
    due() {
      const last = records.rounds(1)[0]
      const newest = clock.due(last)
      if (newest === undefined || last === undefined) return newest === undefined ? 0 : 1
      return Math.max(0, (newest - last.asOf) / HOUR) + (last.state === 'running' ? 1 : 0)
    },
  }
}

/** The round that comes next: the first that was missed, or the newest where the others are to be left out. */
function firstOf(
  last: RoundRecord | undefined,
  newest: number,
  { records, clock, rounds, logger }: PlannerOptions,
): number {
  if (last === undefined) return newest
  const first = last.asOf + HOUR
  if (rounds.missed === 'catch-up' || first === newest) return first
  for (let asOf = first; asOf < newest; asOf += HOUR) {
    const words = 'missed in an outage and left out (rounds.missed is skip)'
    records.skipRound({ asOf, flow: roundFlow(asOf), startedAt: clock.now(), words })
    logger.warn({ flow: roundFlow(asOf) }, `round ${roundFlow(asOf)} is left out: it was missed in an outage`)
  }
  return newest
}

/** Whether a round that the records call running has ended; what the broker has forgotten of it is added again. */
async function ended(
  { asOf, flow }: RoundRecord,
  queue: BrokerQueue<unknown, unknown>,
  producer: BrokerFlowProducer,
  { records, clock, logger }: PlannerOptions,
): Promise<boolean> {
  const state = await queue.getJobState(stepId(asOf, LAST_STEP))
  if (state === 'unknown') {
    logger.warn({ flow }, `the broker has forgotten round ${flow}: its steps are added again`)
    await producer.add(roundTree(asOf))
    return false
  }
  if (state !== 'failed') return state === 'completed'
  const words = await firstFailure(asOf, queue)
  records.noteRound(asOf, { state: 'failed', endedAt: clock.now(), words })
  logger.error({ flow }, `round ${flow} failed: ${words}`)
  return true
}

/** Why a round failed: the words of the first step that did. */
async function firstFailure(asOf: number, queue: BrokerQueue<unknown, unknown>): Promise<string> {
  for (const step of ROUND_STEPS) {
    const job = await queue.getJob(stepId(asOf, step))
    if (job && (await job.isFailed())) return `${step}: ${job.failedReason}`
  }
  return 'one of its steps failed'
}
