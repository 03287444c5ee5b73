import { createHmac } from 'node:crypto'
import type { AlertMessage } from './message.ts'

/** Version of the generic payload: raised when a field changes its meaning, not when one is added. */
const VERSION = 1

/** The message as JSON for any receiver; times are ISO 8601 UTC, `since` is in milliseconds. */
export function webhookBody({ id, status, host, sentAt, alerts }: AlertMessage): string {
  const iso = (time: number) => new Date(time).toISOString()
  return JSON.stringify({
    version: VERSION,
    id,
    status,
    host,
    sentAt: iso(sentAt),
    alerts: alerts.map(({ since, endedAt, toldAt: _, ...alert }) => ({
      ...alert,
      since,
      startsAt: iso(since),
      endsAt: endedAt === null ? null : iso(endedAt),
    })),
  })
}

/** Value of the header `x-millrace-signature`: HMAC-SHA256 of the body's bytes under the shared secret, hexadecimal. */
export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}
