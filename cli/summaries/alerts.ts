import type { Severity } from '#jobs/alerts/rules.ts'
import type { AlertRecord } from '#jobs/records.ts'
import { layOut, minute } from '../table.ts'

/** What `alerts list` answers: those that fire first, then the newest. */
export interface AlertsKnown {
  readonly records: string
  readonly alerts: readonly (AlertRecord & { readonly severity: Severity })[]
}

/** What became of a test message. */
export interface TestDelivery {
  readonly target: string
  readonly host: string
  readonly delivered: boolean
  readonly words: string
}

/** Alerts that are over and shown to people. */
const MOST_OVER = 20

/** Alerts, for people. */
export function describeAlerts({ records, alerts }: AlertsKnown): string {
  const firing = alerts.filter((alert) => alert.firing)
  const over = alerts.filter((alert) => !alert.firing).slice(0, MOST_OVER)
  const when = (time: number) => minute(new Date(time).toISOString())
  const rows = [...firing, ...over].map(({ key, severity, firing: fires, since, sentAt, text }) => [
    fires ? severity : 'over',
    key,
    when(since),
    sentAt === null ? 'not sent' : when(sentAt),
    text,
  ])
  const table = rows.length === 0 ? '' : `${layOut([['state', 'alert', 'since (UTC)', 'sent', 'what'], ...rows])}\n\n`
  return `${table}${firing.length === 0 ? 'nothing fires' : `${firing.length} fire`}\n\nrecords: ${records}`
}

/** What each target answered, for people. */
export function describeDeliveries({ deliveries }: { readonly deliveries: readonly TestDelivery[] }): string {
  return layOut(
    deliveries.map(({ target, host, delivered, words }) => [target, host, delivered ? 'ok' : 'problem', words]),
  )
}
