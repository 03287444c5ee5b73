import fc from 'fast-check'
import { expect, test } from 'vitest'
import { alertMessage, type ToldAlert } from '#jobs/alerts/message.ts'
import { escapeWithin, slackBody } from '#jobs/alerts/slack.ts'
import { NOON } from './sample.ts'

const alert: ToldAlert = {
  key: 'worker-lost:9@beta',
  rule: 'worker-lost',
  severity: 'warning',
  status: 'firing',
  text: 'worker <9@beta> is gone & lost',
  since: NOON,
  endedAt: null,
  toldAt: null,
}
const bodyOf = (...alerts: ToldAlert[]) => JSON.parse(slackBody(alertMessage(alerts, 'alpha', NOON)))

test('an alert is a line for the notification and a block that says since when', () => {
  expect(bodyOf(alert)).toEqual({
    text: 'millrace on alpha, firing: worker-lost: worker &lt;9@beta&gt; is gone &amp; lost',
    blocks: [
      {
        type: 'section',
        text: {
          type: 'mrkdwn',
          text: '*warning* worker-lost (since 2026-11-20 12:00 UTC)\nworker &lt;9@beta&gt; is gone &amp; lost',
        },
      },
    ],
  })
})

test('what is over says from when to when', () => {
  const over = { ...alert, status: 'resolved', endedAt: NOON + 3_600_000 } as const
  expect(bodyOf(over).blocks[0].text.text).toMatch(/^\*resolved\* .*\(2026-11-20 12:00 UTC to 2026-11-20 13:00 UTC\)/)
  expect(bodyOf(over, alert).text).toBe('millrace on alpha, firing: 2 alerts')
})

test('more alerts than a message may hold are counted', () => {
  const { blocks } = bodyOf(...Array.from({ length: 70 }, () => alert))
  expect(blocks).toHaveLength(41)
  expect(blocks[40].text.text).toMatch(/^and 30 more/)
})

test('no text is too long for Slack, however much of it must be escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('&', '<', 'a', '😀'), maxLength: 4_000, size: 'max' }), (text) => {
      const { text: line, blocks } = bodyOf({ ...alert, text })
      expect(line.length).toBeLessThanOrEqual(1_000)
      expect(blocks[0].text.text.length).toBeLessThanOrEqual(3_000)
      expect(blocks[0].text.text).not.toMatch(/[<>]|&(?!(amp|lt|gt);)/)
      expect(blocks[0].text.text.isWellFormed()).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('a text that is cut says so', () => {
  expect(escapeWithin('abcd', 10)).toBe('abcd')
  expect(escapeWithin('abcdefghijkl', 10)).toBe('abcdefghi…')
  expect(escapeWithin('abcdef<jkl', 10)).toBe('abcdef…')
})
