import { HOUR } from '#data/bars.ts'

const FORM = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::00(?:\.0+)?)?)?(Z|[+-]\d{2}:\d{2})?$/

/** What {@link parseTimestamp} reads, in words. */
export const TIMESTAMP_FORM =
  'a date such as 2024-09-05 or a full hour such as 2024-09-05T12:00Z (UTC unless it says otherwise)'

/**
 * Reads an ISO date or timestamp; without a zone it is UTC, whatever the machine's zone is.
 *
 * @returns UTC milliseconds on the full hour; undefined for text that is none, days that no month has included.
 */
export function parseTimestamp(text: string): number | undefined {
  const [, date, time = '00:00', zone = 'Z'] = FORM.exec(text.trim()) ?? []
  if (date === undefined) return undefined
  // The engine rolls 30 February over into March: only a day that comes back unchanged exists.
  const day = new Date(`${date}T00:00:00Z`)
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== date) return undefined
  const value = Date.parse(`${date}T${time}:00${zone}`)
  return value % HOUR === 0 ? value : undefined
}
