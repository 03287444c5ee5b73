import { createHash } from 'node:crypto'
import type { Severity } from './rules.ts'

/** What targets are told of one alert. */
export interface ToldAlert {
  readonly key: string
  readonly rule: string
  readonly severity: Severity
  readonly status: 'firing' | 'resolved'
  readonly text: string
  /** UTC milliseconds. */
  readonly since: number
  /** Null while it fires. */
  readonly endedAt: number | null
  /** When it was told before; null: never. A message that is sent again after a fault has the same `id` by it. */
  readonly toldAt: number | null
}

/** All that one evaluation has to tell to one target. */
export interface AlertMessage {
  /** The same for the same news, so that a receiver may drop what it has already. */
  readonly id: string
  /** `firing` as soon as one of the alerts is. */
  readonly status: 'firing' | 'resolved'
  /** Host that millrace runs on. */
  readonly host: string
  /** UTC milliseconds. */
  readonly sentAt: number
  readonly alerts: readonly ToldAlert[]
}

export function alertMessage(alerts: readonly ToldAlert[], host: string, sentAt: number): AlertMessage {
  const news = JSON.stringify(alerts.map(({ key, status, since, toldAt }) => [key, status, since, toldAt]))
  return {
    id: createHash('sha256').update(`${host} ${news}`).digest('hex').slice(0, 32),
    status: alerts.some(({ status }) => status === 'firing') ? 'firing' : 'resolved',
    host,
    sentAt,
    alerts,
  }
}
