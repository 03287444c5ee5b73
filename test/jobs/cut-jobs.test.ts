import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { Broker } from '#jobs/broker.ts'
import { cutJobs } from '#jobs/cut-jobs.ts'
import { inferRound } from '#jobs/infer-round.ts'
import { inferJobSchema, jobId } from '#jobs/queues.ts'
import { unpackStretch } from '#jobs/stretch.ts'
import { makeTable, START } from './tables.ts'

describe('cutting a round into jobs', () => {
  it('asks for every row of the range exactly once, with the history it has', () => {
    const sizes = fc.array(fc.nat(60), { minLength: 1, maxLength: 6 })
    const options = fc.record({
      history: fc.integer({ min: 1, max: 20 }),
      rowsPerJob: fc.integer({ min: 1, max: 50 }),
      batchCoins: fc.integer({ min: 1, max: 4 }),
    })
    fc.assert(
      fc.property(sizes, options, fc.nat(30), fc.nat(60), (lengths, settings, from, hours) => {
        const tables = lengths.map((length, i) => makeTable(`C${i}`, length, i))
        const asOf = { from: START + from * HOUR, to: START + (from + hours) * HOUR }
        const wanted = tables.flatMap((table) =>
          [...table.asOf].filter((time) => time >= asOf.from && time < asOf.to).map((time) => `${table.coin} ${time}`),
        )
        fc.pre(wanted.length > 0)
        const asked: string[] = []
        for (const job of cutJobs({ tables, asOf, ...settings })) {
          inferJobSchema.parse(job)
          expect(job.batch.length).toBeLessThanOrEqual(settings.batchCoins)
          let rows = 0
          for (const item of job.batch) {
            const times = unpackStretch(item).table.asOf
            expect(item.first).toBe(Math.min(settings.history, item.omitted + item.first))
            for (const time of times.slice(item.first)) asked.push(`${item.coin} ${time}`)
            rows += times.length - item.first
          }
          expect(rows).toBeLessThanOrEqual(settings.rowsPerJob)
        }
        expect(asked.sort()).toEqual(wanted.sort())
      }),
      { numRuns: 100 },
    )
  })

  it('gives two workers enough to share', () => {
    const tables = Array.from({ length: 8 }, (_, i) => makeTable(`C${i}`, 144, i))
    expect(cutJobs({ tables, asOf: { from: START, to: START + 144 * HOUR } })).toHaveLength(8)
  })

  it('gives the same work in the same round the same identity, and any other another', () => {
    const asOf = { from: START, to: START + HOUR }
    const idOf = (seed: number, round: string) => {
      const [job] = cutJobs({ tables: [makeTable('BTC', 5, seed)], asOf, round })
      return jobId(job)
    }
    expect(idOf(1, 'a')).toBe(idOf(1, 'a'))
    expect(new Set([idOf(1, 'a'), idOf(2, 'a'), idOf(1, 'b')]).size).toBe(3)
  })

  it('with nothing to estimate is an error and no round', async () => {
    const asOf = { from: START - 9 * HOUR, to: START }
    const round = inferRound({ broker: {} as Broker, tables: [makeTable('BTC', 5, 1)], asOf })
    await expect(round).rejects.toThrow(InputError)
  })
})
