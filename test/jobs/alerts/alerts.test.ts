import { createHmac } from 'node:crypto'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createAlerts, firingRules } from '#jobs/alerts/alerts.ts'
import { alertTargets } from '#jobs/alerts/targets.ts'
import { openRecords } from '#jobs/records.ts'
import type { Secrets } from '#jobs/secrets.ts'
import type { FleetStatus } from '#jobs/watch/status.ts'
import { startReceiver } from './receiver.ts'
import { NOON, OPTIONS, statusWith } from './sample.ts'

const LETTERS = { deadLetters: 3 }

/** Alerts that know no pauses, on records in memory, with what they log. */
async function open(given: { values?: Secrets['values']; records?: ReturnType<typeof openRecords> } = {}) {
  const receiver = await startReceiver()
  const records = given.records ?? openRecords(':memory:')
  const lines: string[] = []
  const clock = { now: NOON }
  const slept: number[] = []
  const values = { MILLRACE_ALERT_WEBHOOK_URL: receiver.url, ...given.values }
  const alerts = createAlerts({
    records,
    options: OPTIONS,
    targets: alertTargets({ values, remarks: [] }),
    now: () => clock.now,
    logger: pino({ level: 'debug' }, { write: (line) => lines.push(line) }),
    sleep: async (milliseconds) => void slept.push(milliseconds),
  })
  onTestFinished(() => alerts.close())
  /** Evaluates, waits for what is sent, and gives what arrived by it. */
  const look = async (status: Partial<FleetStatus> = {}) => {
    const before = receiver.received.length
    alerts.evaluate(statusWith({ at: clock.now, ...status }))
    await alerts.settled()
    return receiver.received.slice(before).map(({ body }) => body)
  }
  return { alerts, records, receiver, lines, clock, slept, look }
}

const news = (bodies: Awaited<ReturnType<Awaited<ReturnType<typeof open>>['look']>>) =>
  bodies.map(({ alerts }) => alerts.map(({ key, status }) => `${key} ${status}`).join(', '))

describe('an alert', () => {
  test('is sent when it begins, not while it lasts, again after a day, and once when it is over', async () => {
    const { look, clock, records } = await open()
    expect(await look()).toEqual([])
    expect(news(await look(LETTERS))).toEqual(['dead-letters firing'])
    expect(records.alerts()).toMatchObject([{ key: 'dead-letters', firing: true, since: NOON, sentAt: NOON }])
    expect(firingRules(records).get('dead-letters')).toBe(1)
    clock.now += 23 * HOUR
    expect(await look({ deadLetters: 4 })).toEqual([])
    expect(records.alerts()[0].text).toMatch(/^4 jobs/)
    clock.now += HOUR
    expect(news(await look(LETTERS))).toEqual(['dead-letters firing'])
    expect(news(await look())).toEqual(['dead-letters resolved'])
    expect(await look()).toEqual([])
    expect(firingRules(records).get('dead-letters')).toBe(0)
  })

  test('has a payload that a receiver can rely on, signed with the shared secret', async () => {
    const { look, receiver, clock } = await open({ values: { MILLRACE_ALERT_WEBHOOK_SECRET: 'planted-key' } })
    await look(LETTERS)
    clock.now += 60_000
    await look()
    const [first, second] = receiver.received
    expect(JSON.parse(first.text)).toEqual({
      version: 1,
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      status: 'firing',
      host: expect.any(String),
      sentAt: '2026-11-20T12:00:00.000Z',
      alerts: [
        {
          key: 'dead-letters',
          rule: 'dead-letters',
          severity: 'warning',
          status: 'firing',
          text: expect.stringMatching(/^3 jobs failed for good/),
          since: NOON,
          startsAt: '2026-11-20T12:00:00.000Z',
          endsAt: null,
        },
      ],
    })
    expect(JSON.parse(second.text)).toMatchObject({
      status: 'resolved',
      alerts: [{ endsAt: '2026-11-20T12:01:00.000Z' }],
    })
    expect(second.body.id).not.toBe(first.body.id)
    const signature = createHmac('sha256', 'planted-key').update(first.text).digest('hex')
    expect(first.headers).toMatchObject({
      'content-type': 'application/json',
      'x-millrace-signature': `sha256=${signature}`,
    })
  })

  test('shares a message with the others of its evaluation, the worst first', async () => {
    const { look } = await open()
    const serving = { state: 'none', model: 'none', modelAgeSeconds: null } as const
    const [body, ...others] = await look({ ...LETTERS, lostWorkers: ['9@beta'], serving })
    expect(others).toEqual([])
    expect(news([body])).toEqual(['no-estimates firing, dead-letters firing, worker-lost:9@beta firing'])
    expect(news(await look(LETTERS))).toEqual(['no-estimates resolved, worker-lost:9@beta resolved'])
  })

  test('that comes and goes is told only when it stays', async () => {
    const { look } = await open()
    const due = { rounds: { ...statusWith().rounds, due: 2 } }
    for (const status of [due, {}, due, {}]) expect(await look(status)).toEqual([])
    await look(due)
    expect(news(await look(due))).toEqual(['round-missed firing'])
    for (const status of [{}, due, {}, due]) expect(await look(status)).toEqual([])
    await look()
    expect(news(await look())).toEqual(['round-missed resolved'])
  })

  test('stays as it is while nobody can tell', async () => {
    const { look } = await open()
    const cut = { broker: { name: 'redis', reachable: false } }
    await look(LETTERS)
    expect(await look(cut)).toEqual([])
    expect(news(await look(cut))).toEqual(['broker-unreachable firing'])
    await look(LETTERS)
    expect(news(await look(LETTERS))).toEqual(['broker-unreachable resolved'])
  })

  test('of a rule that is gone is told to be over', async () => {
    const { look, records } = await open()
    records.putAlert({ key: 'of-old:x', firing: true, since: NOON - HOUR, sentAt: null, text: 'odd' })
    records.putNote('alerts.told.webhook', JSON.stringify({ 'of-old:x': { since: NOON - HOUR, at: NOON - HOUR } }))
    expect(news(await look())).toEqual(['of-old:x resolved'])
  })

  test('is not sent again by the next process, which tells that it is over', async () => {
    const first = await open()
    await first.look(LETTERS)
    await first.alerts.close()
    const second = await open({ records: first.records })
    expect(await second.look(LETTERS)).toEqual([])
    expect(news(await second.look())).toEqual(['dead-letters resolved'])
  })

  test('is written down and logged where there is no target', async () => {
    const { look, records, lines } = await open({ values: { MILLRACE_ALERT_WEBHOOK_URL: '' } })
    expect(await look(LETTERS)).toEqual([])
    expect(records.alerts()).toMatchObject([{ firing: true, sentAt: null }])
    expect(lines.join()).toMatch(/alert dead-letters: 3 jobs/)
  })

  test('is sent also where two evaluations follow at once', async () => {
    const { alerts, receiver } = await open()
    const due = statusWith({ rounds: { ...statusWith().rounds, due: 2 } })
    alerts.evaluate(due)
    alerts.evaluate(due)
    await alerts.settled()
    expect(news(receiver.received.map(({ body }) => body))).toEqual(['round-missed firing'])
  })

  test('never fails its caller', async () => {
    const { look, records, lines } = await open()
    records.close()
    expect(await look(LETTERS)).toEqual([])
    expect(lines.join()).toMatch(/alerts cannot be evaluated/)
  })
})

describe('a target', () => {
  test.each([429, 500, 503])(
    'that answers %d is asked again a few times, and at the next evaluation',
    async (status) => {
      const { look, receiver, records, slept, lines } = await open()
      receiver.answerWith(status)
      const tries = await look(LETTERS)
      expect(tries).toHaveLength(4)
      expect(new Set(tries.map(({ id }) => id)).size).toBe(1)
      expect(slept).toHaveLength(3)
      expect(records.alerts()).toMatchObject([{ firing: true, sentAt: null }])
      await look(LETTERS)
      // Trouble is said once.
      expect(lines.filter((line) => line.includes('do not reach'))).toHaveLength(1)
      expect(lines.join()).toContain(`webhook 127.0.0.1`)
      receiver.answerWith(204)
      expect(news(await look(LETTERS))).toEqual(['dead-letters firing'])
      expect(lines.join()).toMatch(/reach webhook .* again/)
      expect(records.alerts()[0].sentAt).toBe(NOON)
      expect(lines.join()).not.toContain('planted')
    },
  )

  test.each([
    [302, /redirects are not followed/],
    [404, /answered 404: check its address/],
    [400, /answered 400/],
  ])('that answers %d is not asked twice at once', async (status, words) => {
    const { look, receiver, lines } = await open()
    receiver.answerWith(status, { location: receiver.url })
    expect(await look(LETTERS)).toHaveLength(1)
    expect(lines.join()).toMatch(words)
    expect(lines.join()).not.toContain('planted')
    receiver.answerWith(200)
    expect(news(await look(LETTERS))).toEqual(['dead-letters firing'])
  })

  test('that is dead gets the alert when it is back', async () => {
    const { look, receiver, lines } = await open()
    await receiver.stop()
    await look(LETTERS)
    expect(lines.join()).toMatch(/webhook 127\.0\.0\.1:\d+ did not answer \(ECONNREFUSED\)/)
    await receiver.start()
    expect(news(await look(LETTERS))).toEqual(['dead-letters firing'])
  })

  test('that was away is told nothing of what is over', async () => {
    const { look, receiver } = await open()
    receiver.answerWith(500)
    await look(LETTERS)
    receiver.answerWith(200)
    expect(await look()).toEqual([])
  })

  test('that does not answer keeps nobody waiting, gets nothing twice, and is left when alerts are closed', async () => {
    const { alerts, receiver, clock } = await open()
    receiver.hang()
    const status = statusWith({ ...LETTERS, at: clock.now })
    const asked = new Promise<void>((resolve) => {
      const before = receiver.received.push
      receiver.received.push = (...items) => {
        resolve()
        return before.apply(receiver.received, items)
      }
    })
    alerts.evaluate(status)
    await asked
    alerts.evaluate(status)
    alerts.evaluate(statusWith())
    await alerts.close()
    expect(receiver.received).toHaveLength(1)
  })

  test('that is well hears at once, whatever becomes of the other', async () => {
    const slack = await startReceiver()
    const { look, receiver, records } = await open({ values: { MILLRACE_ALERT_SLACK_URL: slack.url } })
    receiver.answerWith(404)
    await look(LETTERS)
    await look(LETTERS)
    expect(slack.received).toHaveLength(1)
    expect(slack.received[0].body).toMatchObject({
      text: expect.stringContaining('dead-letters: 3 jobs'),
      blocks: [{}],
    })
    // Delivered is what all were told.
    expect(records.alerts()[0].sentAt).toBeNull()
    receiver.answerWith(200)
    await look(LETTERS)
    expect(slack.received).toHaveLength(1)
    expect(records.alerts()[0].sentAt).toBe(NOON)
  })

  test('with a user and password in its address is told them by a header', async () => {
    const { receiver, look } = await open()
    const url = receiver.url.replace('://', '://ada:planted%2Fword@')
    const other = await open({ values: { MILLRACE_ALERT_WEBHOOK_URL: url } })
    await other.look(LETTERS)
    expect(receiver.received[0].headers.authorization).toBe(`Basic ${btoa('ada:planted/word')}`)
    expect(await look()).toEqual([])
  })
})
