import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ModelError } from '#data/errors.ts'
import { cutJobs } from '#jobs/cut-jobs.ts'
import { letterId, letterOf, letterSchema, poisonLetters } from '#jobs/dead-letters/letter.ts'
import { inferJobSchema } from '#jobs/queues.ts'
import { makeTable, START } from '../tables.ts'

const FAILED = {
  id: 'hourly-2025-01-01T05.fuse',
  name: 'fuse',
  data: { flow: 'hourly-2025-01-01T05', asOf: 1 },
  failedReason: 'InputError: no',
  attemptsMade: 5,
  finishedOn: START,
}

describe('a dead letter', () => {
  it('has all that a replay needs, and whom it concerns', () => {
    expect(letterSchema.parse(letterOf('round', FAILED))).toEqual({
      queue: 'round',
      name: 'fuse',
      job: FAILED.id,
      payload: FAILED.data,
      cause: 'InputError: no',
      attempts: 5,
      failedAt: START,
      flow: 'hourly-2025-01-01T05',
    })
    const killed = { ...FAILED, attemptsMade: 0, stalledCounter: 4, data: { round: 'r' } }
    expect(letterOf('infer', killed)).toMatchObject({ attempts: 4, flow: 'r' })
    expect(letterOf('hourly', { ...FAILED, data: null }).flow).toBeNull()
  })

  it('has an id that BullMQ takes, one for each failure', () => {
    const job = fc.record({ job: fc.string(), failedAt: fc.nat() })
    fc.assert(
      fc.property(job, job, (a, b) => {
        const [first, second] = [a, b].map((part) => letterId({ queue: 'infer', ...part }))
        expect(first).toMatch(/^infer-[0-9a-f]{12}$/)
        expect(first === second).toBe(a.job === b.job && a.failedAt === b.failedAt)
      }),
    )
    expect(letterId({ queue: 'train', job: 'a', failedAt: 1 })).not.toBe(
      letterId({ queue: 'infer', job: 'a', failedAt: 1 }),
    )
  })

  it('holds no password that a cause has brought along', () => {
    const failedReason = 'UnavailableError: connect to redis://fleet:planted-password@10.0.0.5:6379 failed'
    expect(letterOf('round', { ...FAILED, failedReason }).cause).toBe(
      'UnavailableError: connect to redis://fleet:***@10.0.0.5:6379 failed',
    )
  })
})

describe('letters about poisoned coins', () => {
  const tables = ['BTC', 'BAD', 'ETH'].map((coin, i) => makeTable(coin, 20, i))
  const [data] = cutJobs({ tables, asOf: { from: START, to: START + 1e9 }, round: 'r', rowsPerJob: 1_000 })
  const job = { id: 'hourly-2025-01-01T05.infer.0', data: { ...data, flow: 'hourly-2025-01-01T05' } }
  const result = { poisoned: [{ coin: 'BAD', reason: 'ModelError: sum to NaN' }] }

  it('ask for that coin alone', () => {
    const letters = poisonLetters(result, job, START)
    expect(letters).toHaveLength(1)
    expect(letters[0]).toMatchObject({
      queue: 'infer',
      job: job.id,
      cause: 'ModelError: sum to NaN',
      flow: job.data.flow,
    })
    const payload = inferJobSchema.parse(letters[0].payload)
    expect(payload).toEqual({ ...job.data, batch: data.batch.filter(({ coin }) => coin === 'BAD') })
    expect(payload.batch).toHaveLength(1)
  })

  it('are the same ones whenever they are gathered', () => {
    expect(poisonLetters(result, job, START + 5)[0].id).toBe(poisonLetters(result, job, START)[0].id)
    const other = { poisoned: [{ coin: 'ETH', reason: 'x' }] }
    expect(poisonLetters(other, job, START)[0].id).not.toBe(poisonLetters(result, job, START)[0].id)
  })

  it('are none where nobody is poisoned, and refuse a coin that was not asked for', () => {
    expect(poisonLetters({ poisoned: [] }, job, START)).toEqual([])
    const foreign = { poisoned: [{ coin: 'DOGE', reason: 'x' }] }
    expect(() => poisonLetters(foreign, job, START)).toThrow(ModelError)
  })
})
