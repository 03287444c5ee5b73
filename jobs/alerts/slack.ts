import type { AlertMessage, ToldAlert } from './message.ts'
import { moment } from './rules.ts'

/** Slack's limits (docs.slack.dev, "Blocks"): 3,000 characters in a section, 50 blocks in a message. */
const SECTION = 3_000
const MOST_ALERTS = 40
/** Characters of the line that stands in a notification. */
const LINE = 1_000

/** The message as Slack's incoming webhooks, and those that speak like them, take it. */
export function slackBody({ status, host, alerts }: AlertMessage): string {
  const [first] = alerts
  const count = alerts.length === 1 ? `${first.rule}: ${first.text}` : `${alerts.length} alerts`
  const left = alerts.length - MOST_ALERTS
  const sections = alerts.slice(0, MOST_ALERTS).map(describe)
  if (left > 0) sections.push(`and ${left} more: \`millrace alerts list\``)
  return JSON.stringify({
    text: escapeWithin(`millrace on ${host}, ${status}: ${count}`, LINE),
    blocks: sections.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } })),
  })
}

function describe({ rule, severity, status, text, since, endedAt }: ToldAlert): string {
  const time = endedAt === null ? `since ${moment(since)}` : `${moment(since)} to ${moment(endedAt)}`
  const head = `*${status === 'firing' ? severity : 'resolved'}* ${escapeWithin(rule, LINE)} (${time})\n`
  return head + escapeWithin(text, SECTION - head.length)
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** `text` with Slack's three control characters escaped, cut so that no more than `most` characters are left. */
export function escapeWithin(text: string, most: number): string {
  let escaped = ''
  let whole = true
  // By code points: half of one would be no text.
  for (const character of text) {
    const next = ENTITIES[character] ?? character
    // The ellipsis needs its place, unless this was the end.
    if (escaped.length + next.length > most - 1) {
      whole = false
      break
    }
    escaped += next
  }
  return whole ? escaped : `${escaped}…`
}
