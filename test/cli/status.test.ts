import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openRecords } from '#jobs/records.ts'
import { writeUpAddress } from '#jobs/up-address.ts'
import type { FleetQueues } from '#jobs/watch/broker-look.ts'
import { startHttp } from '#jobs/watch/http.ts'
import { createProcessMetrics } from '#jobs/watch/metrics.ts'
import type { FleetStatus } from '#jobs/watch/status.ts'
import { describeStatus } from '../../cli/summaries/status.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { AS_OF, addRound, HEALTHY } from '../jobs/watch/sample.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

async function fleetThatSays(status: FleetStatus, reasons: string[] = []): Promise<string> {
  const registry = createProcessMetrics().registry
  const end = await startHttp({
    status: async () => status,
    ready: async () => reasons,
    metrics: async () => registry,
    queues: {} as FleetQueues,
    port: 0,
    logger,
  })
  onTestFinished(() => end.close())
  return end.url
}

describe('millrace status', () => {
  it('finds the fleet of the state folder and ends with 0 where all is well', async () => {
    const state = temporaryFolder()
    const http = await fleetThatSays(HEALTHY)
    const forget = await writeUpAddress(state, { namespace: 'millrace', http })
    const { code, stdout, stderr } = await runCli(['status', '--state', state])
    await forget()
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ready at 2026-11-20 10:10 UTC\n/)
    expect(stdout).toMatch(/^serving +cde 20261119T033000000Z-0123456789abcdef, 30\.7 h old$/m)
    expect(stdout).toMatch(/^ledger +equity 10250\.50 dollars, 1\.5 % below its peak, 1234 events, intact$/m)
    expect(stdout).toMatch(/^infer +3 +2 +0 +0 +1 +0\.5 +2$/m)
    expect(stdout).toContain(`asked: ${http}`)
  })

  it('ends with 1 where it is not ready or degraded, and gives one JSON document', async () => {
    const unready = await fleetThatSays(HEALTHY, ['the broker does not answer'])
    const degraded = await fleetThatSays({ ...HEALTHY, serving: { ...HEALTHY.serving, state: 'fallback' } })
    const [first, second] = await Promise.all([
      runCli(['status', '--url', unready]),
      runCli(['status', '--url', `${degraded}/`, '--json']),
    ])
    expect([first.code, first.stdout.split('\n').slice(0, 2)]).toEqual([
      1,
      ['NOT READY at 2026-11-20 10:10 UTC', '  - the broker does not answer'],
    ])
    expect(second.code).toBe(1)
    expect(JSON.parse(second.stdout)).toMatchObject({ ready: true, degraded: true, status: { at: HEALTHY.at } })
  })

  it('says in one line that no fleet runs, or that nobody answers', async () => {
    const state = temporaryFolder()
    const [none, gone] = await Promise.all([
      runCli(['status', '--state', state]),
      runCli(['status', '--url', 'http://127.0.0.1:9']),
    ])
    expect(none.code).toBe(2)
    expect(none.stderr).toMatch(/^error: no fleet runs on the state folder .*`millrace up`.*\n$/)
    expect(gone.code).toBe(1)
    expect(gone.stderr).toMatch(/^error: no fleet answers at http:\/\/127\.0\.0\.1:9: .*\n$/)
  })
})

describe('the summary of a status', () => {
  it('says what is not known, what is lost and what is broken', () => {
    const status = JSON.parse(
      JSON.stringify({
        ...HEALTHY,
        broker: { name: 'redis', reachable: false, words: 'ECONNREFUSED' },
        queues: [],
        round: null,
        serving: { state: 'none', model: 'none', modelAgeSeconds: null },
        data: { newest: null, ageSeconds: null },
        retraining: null,
        lostWorkers: ['9@far'],
        schedules: [{ ...HEALTHY.schedules[0], paused: true }],
        ledger: { equity: Number.NaN, drawdown: Number.NaN, events: Number.NaN, intact: false, words: 'event 7' },
        deadLetters: Number.NaN,
      }),
    ) as FleetStatus
    const text = describeStatus({ url: 'http://x', ready: false, reasons: [], degraded: true, status })
    for (const line of [
      'round         none has ended yet',
      'serving       nothing: no estimates, nothing is opened',
      'data          no bars yet',
      'ledger        BROKEN: event 7',
      'retraining    none yet',
      'dead letters  unknown',
      'workers       1@home, 2@home; LOST: 9@far',
      'hourly        paused (0 * * * *)',
      'broker        redis DOES NOT ANSWER: ECONNREFUSED',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
  })
})

describe('doctor on a fleet', () => {
  it('says from the records what the last round and retraining came to', async () => {
    const { fleetProbe } = await import('../../cli/doctor/fleet.ts')
    const state = temporaryFolder()
    const look = () => fleetProbe({ state } as never).look()
    expect(await look()).toMatchObject({ finding: 'ok', text: 'none runs now, and none has run here yet' })

    const records = openRecords(join(state, 'records.sqlite'))
    addRound(records, AS_OF, { model: 'cde 1' })
    records.putRetraining({ flow: 'daily-1', startedAt: 1, endedAt: 2, ok: true, words: 'cde 1 leads', promoted: [] })
    expect(await look()).toMatchObject({
      finding: 'ok',
      text: 'none runs now; last round 2026-11-20 10:00 healthy, cde 1 served; last retraining daily-1 ended well: cde 1 leads',
    })
    addRound(records, AS_OF + 3_600_000, { model: 'hmm 1', degraded: ['the CDE is expired'] })
    expect(await look()).toMatchObject({
      finding: 'note',
      text: expect.stringContaining('11:00 degraded, hmm 1 served (the CDE is expired)'),
      advice: expect.stringContaining('millrace status'),
    })
    records.putNote('integrity', JSON.stringify({ intact: false, words: 'event 7 is wrong' }))
    expect(await look()).toMatchObject({
      finding: 'note',
      text: expect.stringContaining('the ledger is broken: event 7 is wrong'),
      advice: expect.stringContaining('millrace integrity'),
    })
    records.close()
  })
})
