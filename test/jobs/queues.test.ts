import { describe, expect, it } from 'vitest'
import { FLEET_QUEUES } from '#jobs/fleet-queues.ts'
import { fleetJobOptions, inferJobSchema, inferResultSchema, keptFor } from '#jobs/queues.ts'

describe('the options of a job', () => {
  it('leave clearing to those who ask, on every queue', () => {
    for (const queue of FLEET_QUEUES) {
      const options = fleetJobOptions(queue, 'a')
      expect(options.jobId).toBe('a')
      expect(options.removeOnComplete ?? false).toBe(false)
      expect(options.removeOnFail ?? false).toBe(false)
    }
  })

  it('try again what can be tried again, with longer and longer pauses of which half is chance', () => {
    const backoff = { type: 'exponential', delay: 1_000, jitter: 0.5 }
    expect(fleetJobOptions('round', 'a')).toMatchObject({ attempts: 5, backoff })
    expect(fleetJobOptions('retrain', 'a').attempts).toBe(3)
    for (const queue of FLEET_QUEUES) {
      const { attempts, backoff: pauses } = fleetJobOptions(queue, 'a')
      expect(pauses !== undefined).toBe(attempts! > 1)
    }
  })

  it('keep what failed for as long as what was done, or longer', () => {
    for (const queue of FLEET_QUEUES) {
      const { completed, failed } = keptFor(queue)
      expect(failed, queue).toBeGreaterThanOrEqual(completed)
    }
  })
})

describe('the payloads of inference', () => {
  it('of an earlier version are still understood: they have no lineage, and tell of no poison', () => {
    const item = { coin: 'BTC', channels: ['return'], rows: '', asOf: '', sigma: '', first: 0, omitted: 0 }
    expect(inferJobSchema.parse({ round: 'r', batch: [item] })).toEqual({ round: 'r', batch: [item] })
    const result = { estimates: [], servedBy: { kind: 'none' }, degradations: [], worker: 'w', seconds: 0, windows: 0 }
    expect(inferResultSchema.parse(result)).toEqual({ ...result, poisoned: [] })
  })

  it('take no lineage that is none', () => {
    const item = { coin: 'BTC', channels: ['return'], rows: '', from: 0, first: 0, omitted: 0 }
    const wrong = { round: 'r', batch: [{ ...item, barsHash: 'not a hash' }] }
    expect(inferJobSchema.safeParse(wrong).success).toBe(false)
  })
})
