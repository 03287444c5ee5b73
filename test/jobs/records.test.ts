import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { type EstimateRecord, openRecords, recordsFile } from '#jobs/records.ts'
import { createTemporaryFolder } from '../data/providers/files.ts'

const ASOF = Date.UTC(2026, 0, 1, 10)
const estimate = (coin: string, chop: number, flow = 'hourly-2026-01-01T10'): EstimateRecord => ({
  asOf: ASOF,
  coin,
  flow,
  knownAt: ASOF,
  probabilities: [chop, 1 - chop, 0],
  model: 'cde a',
  barsHash: 'b1',
  featuresHash: 'f1',
})

describe('records', () => {
  it('tell a round from its beginning to its end, over a restart', () => {
    const path = recordsFile(join(createTemporaryFolder().path, 'state'))
    const first = openRecords(path)
    const begin = { asOf: ASOF, flow: 'hourly-2026-01-01T10', startedAt: ASOF + 20, late: false }
    expect(first.beginRound(begin)).toBe(true)
    expect(first.beginRound({ ...begin, startedAt: ASOF + 99, late: true })).toBe(false)
    first.noteRound(ASOF, { coins: 3, steps: { refresh: 12 }, degraded: ['late'], newestBar: ASOF })
    first.close()
    const second = openRecords(path)
    second.noteRound(ASOF, { state: 'done', endedAt: ASOF + 500, model: 'cde a', windows: 3, inferSeconds: 0.25 })
    expect(second.round(ASOF)).toEqual({
      ...begin,
      state: 'done',
      endedAt: ASOF + 500,
      degraded: ['late'],
      model: 'cde a',
      newestBar: ASOF,
      coins: 3,
      estimates: 0,
      windows: 3,
      inferSeconds: 0.25,
      steps: { refresh: 12 },
      words: null,
    })
    second.skipRound({ asOf: ASOF + HOUR, flow: 'x', startedAt: ASOF + 2 * HOUR, words: 'the outage' })
    expect(second.rounds(5).map(({ state }) => state)).toEqual(['skipped', 'done'])
    expect(second.countRounds()).toEqual({
      done: 1,
      degraded: 1,
      failed: 0,
      skipped: 1,
      running: 0,
      windows: 3,
      inferSeconds: 0.25,
    })
    second.close()
  })

  it('keep the first estimate of a coin and hour, whatever comes later', () => {
    const records = openRecords(':memory:')
    expect(records.addEstimates([estimate('BTC', 0.5), estimate('ETH', 0.25)])).toBe(2)
    expect(records.addEstimates([estimate('BTC', 0.9, 'again'), estimate('SOL', 0.1)])).toBe(1)
    expect(records.estimates(ASOF)).toEqual([estimate('BTC', 0.5), estimate('ETH', 0.25), estimate('SOL', 0.1)])
    records.forget(ASOF)
    expect(records.estimates(ASOF)).toHaveLength(3)
    records.forget(ASOF + 1)
    expect(records.estimates(ASOF)).toEqual([])
    records.close()
  })

  it('keep retrainings, alerts and notes', () => {
    const records = openRecords(':memory:')
    const begun = { flow: 'daily-2026-01-01', startedAt: 5, endedAt: null, ok: null, words: 'running', promoted: [] }
    records.putRetraining(begun)
    expect(records.retrainings(1)).toEqual([begun])
    const ended = { ...begun, endedAt: 9, ok: true, words: 'cde a is champion', promoted: ['cde a'] }
    records.putRetraining(ended)
    records.putRetraining({ ...begun, flow: 'daily-2026-01-02', startedAt: 6 })
    expect(records.retrainings(2).map(({ flow }) => flow)).toEqual(['daily-2026-01-02', 'daily-2026-01-01'])
    expect(records.retrainings(2)[1]).toEqual(ended)
    const alert = { key: 'stale', firing: true, since: 3, sentAt: null, text: 'no bars' }
    records.putAlert(alert)
    records.putAlert({ ...alert, firing: false, sentAt: 4 })
    expect(records.alerts()).toEqual([{ ...alert, firing: false, sentAt: 4 }])
    expect(records.note('integrity')).toBeUndefined()
    records.putNote('integrity', '{}')
    records.putNote('integrity', '{"intact":true}')
    expect(records.note('integrity')).toBe('{"intact":true}')
    records.close()
  })
})
