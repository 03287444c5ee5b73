import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openRecords, recordsFile } from '#jobs/records.ts'
import { startReceiver } from '../jobs/alerts/receiver.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const since = Date.parse('2026-11-20T12:00Z')

test('alerts list shows what fires first, and is one JSON document where that is asked for', async () => {
  const state = temporaryFolder()
  const records = openRecords(recordsFile(state))
  records.putAlert({ key: 'fallback', firing: false, since: since + 1, sentAt: since + 2, text: 'it was the HMM' })
  records.putAlert({ key: 'stale-data', firing: true, since, sentAt: null, text: 'no bars' })
  records.close()
  const { code, stdout } = await runCli(['alerts', 'list', '--state', state])
  expect(code).toBe(0)
  expect(stdout).toMatch(/critical +stale-data +2026-11-20 12:00 +not sent +no bars\nover +fallback .*\n\n1 fire\n/)
  const json = JSON.parse((await runCli(['alerts', 'list', '--state', state, '--json'])).stdout)
  expect(json.alerts.map(({ key }: { key: string }) => key)).toEqual(['stale-data', 'fallback'])
})

test('alerts list without records says who makes them', async () => {
  const { code, stderr } = await runCli(['alerts', 'list', '--state', join(temporaryFolder(), 'none')])
  expect(code).toBe(2)
  expect(stderr).toMatch(/^error: there are no records .*`millrace up` makes them/)
})

test('alerts test says what each target answered, and nothing of their addresses but the host', async () => {
  const webhook = await startReceiver()
  const slack = await startReceiver()
  slack.answerWith(500)
  const targets = { MILLRACE_ALERT_WEBHOOK_URL: webhook.url, MILLRACE_ALERT_SLACK_URL: slack.url }
  const { code, stdout, stderr } = await runCli(['alerts', 'test'], targets)
  expect(code).toBe(1)
  expect(stdout).toMatch(/^webhook +127\.0\.0\.1:\d+ +ok +answered 200 and 200$/m)
  expect(stdout).toMatch(/^slack +127\.0\.0\.1:\d+ +problem +slack 127\.0\.0\.1:\d+ answered 500$/m)
  expect(stdout + stderr).not.toContain('planted')
  expect(webhook.received.map(({ body }) => [body.status, body.alerts[0].key])).toEqual([
    ['firing', 'test'],
    ['resolved', 'test'],
  ])
})

test('alerts test without a target is wrong input', async () => {
  const { code, stderr } = await runCli(['alerts', 'test'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/set MILLRACE_ALERT_WEBHOOK_URL or MILLRACE_ALERT_SLACK_URL/)
})
