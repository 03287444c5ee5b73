import { describe, expect, it } from 'vitest'
import { askPatiently, isWorthAsking, type Patience } from '#jobs/brokers/postgres-patience.ts'

const failure = (message: string, code?: string) => Object.assign(new Error(message), { code })

describe('a question to a PostgreSQL that is away', () => {
  it('is asked again until there is an answer', async () => {
    const failures = [failure('connect ECONNREFUSED', 'ECONNREFUSED'), failure('starting up', '57P03')]
    let asked = 0
    const ask = async () => {
      const error = failures[asked++]
      if (error) throw error
      return 'answer'
    }
    expect(await askPatiently(ask, { total: 10_000 })).toBe('answer')
    expect(asked).toBe(3)
  })

  it('is given up when the patience is at its end, sooner when the broker closes', async () => {
    const away = async () => {
      throw failure('Connection terminated unexpectedly')
    }
    await expect(askPatiently(away, { total: 60 })).rejects.toThrow('Connection terminated unexpectedly')
    const patience: Patience = { total: 60_000, closingSince: performance.now() - 3_000 }
    await expect(askPatiently(away, patience)).rejects.toThrow('Connection terminated unexpectedly')
  })

  it('is not asked again where that mends nothing', async () => {
    let asked = 0
    const ask = async () => {
      asked++
      throw failure('bullmq: job 7 lock mismatch', 'BM001')
    }
    await expect(askPatiently(ask, { total: 10_000 })).rejects.toThrow('lock mismatch')
    expect(asked).toBe(1)
    for (const code of ['28P01', '42P01', '53100', 'ENOTFOUND']) expect(isWorthAsking(failure('no', code))).toBe(false)
    for (const code of ['08006', '57P01', '57P02', '40P01', 'ECONNRESET']) {
      expect(isWorthAsking(failure('later', code))).toBe(true)
    }
  })
})
