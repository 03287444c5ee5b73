import type { AlertRecord, FleetRecords } from '../records.ts'
import type { ToldAlert } from './message.ts'
import { ruleOf } from './rules.ts'

/** What a target was told last of an alert that it believes to be firing. */
interface Last {
  readonly since: number
  readonly at: number
  /** When it ended, which the target has still to be told. */
  readonly endedAt?: number
}

/** What one target knows: kept in the records, so that a restart tells nothing twice and forgets nothing. */
export interface Told {
  /** What the target has still to be told; an alert that lasts, again after `repeat` milliseconds. */
  news(records: readonly AlertRecord[], now: number, repeat: number): ToldAlert[]
  /** The target was told. */
  note(alerts: readonly ToldAlert[], at: number): void
  /** An alert is over. One of which the target was never told is not told afterwards either. */
  end(key: string, at: number): void
  /** Whether the target knows that this alert fires. */
  knows(record: AlertRecord): boolean
}

export function openTold(records: FleetRecords, target: string): Told {
  const name = `alerts.told.${target}`
  const read = () => JSON.parse(records.note(name) ?? '{}') as Record<string, Last>
  const change = (edit: (told: Record<string, Last>) => void) => {
    const told = read()
    edit(told)
    records.putNote(name, JSON.stringify(told))
  }
  return {
    news(all, now, repeat) {
      const told = read()
      const news = all.flatMap(({ key, firing, since, text }): ToldAlert[] => {
        const last: Last | undefined = told[key]
        // One that ended and began again with the same cause, while the target was away, never ended for it.
        if (firing ? last?.since === since && now - last.at < repeat : !last) return []
        const rule = ruleOf(key)
        return [
          {
            key,
            rule: rule?.name ?? key,
            severity: rule?.severity ?? 'warning',
            status: firing ? 'firing' : 'resolved',
            text,
            since,
            endedAt: firing ? null : (last?.endedAt ?? now),
            toldAt: last?.at ?? null,
          },
        ]
      })
      return news.sort((a, b) => weight(a) - weight(b) || a.since - b.since)
    },
    note(alerts, at) {
      change((told) => {
        for (const { key, status, since } of alerts) {
          if (status === 'firing') told[key] = { since, at }
          else delete told[key]
        }
      })
    },
    end(key, at) {
      change((told) => {
        if (told[key]) told[key] = { ...told[key], endedAt: at }
      })
    },
    knows: ({ key, since }) => read()[key]?.since === since,
  }
}

/** What fires stands before what is over, and the worst first. */
function weight({ status, severity }: ToldAlert): number {
  return (status === 'firing' ? 0 : 2) + (severity === 'critical' ? 0 : 1)
}
