import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import type { Broker } from '#jobs/broker.ts'
import { openRecords } from '#jobs/records.ts'
import { wallClock } from '#jobs/rounds/clock.ts'
import { createRoundPlanner } from '#jobs/rounds/planner.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { addRound } from '../watch/sample.ts'

const AS_OF = Date.UTC(2025, 0, 1)

describe('rounds that are due', () => {
  it('are the full hours whose grace is over since the newest round, and this one while it runs', () => {
    const records = openRecords(':memory:')
    let now = AS_OF
    const clock = wallClock(() => now, { graceSeconds: 30, deadlineMinutes: 10 })
    // Whoever only asks what is due needs no broker.
    const broker = { createQueue: () => ({}), createFlowProducer: () => ({}) } as unknown as Broker
    const planner = createRoundPlanner({ broker, records, clock, rounds: { missed: 'catch-up' }, logger })
    const due = (minutes: number) => {
      now = AS_OF + minutes * 60_000
      return planner.due()
    }
    expect(due(0.5), 'before the first round').toBe(1)
    records.beginRound({ asOf: AS_OF, flow: 'first', startedAt: AS_OF, late: false })
    expect(due(5)).toBe(1)
    expect(due(60.5)).toBe(2)
    records.noteRound(AS_OF, { state: 'done' })
    expect(due(60)).toBe(0)
    expect(due(60.5)).toBe(1)
    expect(due(200)).toBe(3)
    addRound(records, AS_OF + HOUR)
    expect(due(200)).toBe(2)
    // A clock that was set back owes nothing.
    expect(due(-200)).toBe(0)
  })
})
