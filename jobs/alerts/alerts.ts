import type { Logger } from 'pino'
import type { Sleep } from '#data/weight-budget.ts'
import { describeError } from '../failures.ts'
import type { AlertRecord, FleetRecords } from '../records.ts'
import { redact } from '../secrets.ts'
import type { FleetStatus } from '../watch/status.ts'
import type { AlertOptions } from './options.ts'
import { alertKey, type ClockNote, type Finding, RULES, type Rule, ruleOf } from './rules.ts'
import { createSender } from './sender.ts'
import type { AlertTarget } from './targets.ts'

export interface AlertsOptions {
  readonly records: FleetRecords
  readonly options: AlertOptions
  readonly targets: readonly AlertTarget[]
  /** UTC milliseconds. */
  readonly now: () => number
  readonly logger: Logger
  readonly fetch?: typeof globalThis.fetch
  readonly sleep?: Sleep
}

/** Tells the targets what begins and what ends to be wrong. */
export interface Alerts {
  /**
   * Looks at what is wrong now, writes down what began and ended, and has it sent. Neither waits for a target nor throws:
   * what cannot be sent is sent at the next evaluation.
   */
  evaluate(status: FleetStatus): void
  /** Resolves when nothing is being sent. */
  settled(): Promise<void>
  /** Gives up what is being sent; the next process sends it. */
  close(): Promise<void>
}

/** Under which name is noted since when alerts are evaluated, and jumps of the clock. */
const WATCHING_NOTE = 'alerts.since'
const CLOCK_NOTE = 'clock'

/** How often in a row a key was found wrong, or right while it fired; `first`: since when. */
interface Streak {
  readonly wrong: boolean
  readonly first: number
  count: number
}

/**
 * Alerts that are sent once when they begin, again after `repeatHours`, and once when they are over, over restarts too.
 * A message that was sent just before a crash may be sent again: it has the same `id`.
 */
export function createAlerts(given: AlertsOptions): Alerts {
  const { records, options, targets, now, logger } = given
  const senders = targets.map((target) => createSender(target, given))
  const streaks = new Map<string, Streak>()

  /** Counts one more evaluation that agrees with those before it. */
  const streakOf = (key: string, wrong: boolean, since: number): Streak => {
    const before = streaks.get(key)
    const streak = before?.wrong === wrong ? before : { wrong, first: since, count: 0 }
    streak.count++
    streaks.set(key, streak)
    return streak
  }
  const begin = (rule: Rule, key: string, since: number, text: string) => {
    records.putAlert({ key, firing: true, since, sentAt: null, text })
    logger[rule.severity === 'critical' ? 'error' : 'warn']({ alert: key, since }, `alert ${key}: ${text}`)
  }
  const end = (record: AlertRecord) => {
    records.putAlert({ ...record, firing: false })
    for (const { told } of senders) told.end(record.key, now())
    logger.info({ alert: record.key, since: record.since }, `alert ${record.key} is over`)
  }
  const judge = (rule: Rule, findings: readonly Finding[], known: ReadonlyMap<string, AlertRecord>, at: number) => {
    const wrong = new Set<string>()
    for (const finding of findings) {
      const key = alertKey(rule, finding)
      const text = redact(finding.text)
      const record = known.get(key)
      const { count, first } = streakOf(key, true, finding.since ?? at)
      wrong.add(key)
      if (record?.firing) {
        if (record.text !== text) records.putAlert({ ...record, text })
      } else if (count >= rule.hold) begin(rule, key, first, text)
    }
    return wrong
  }
  const evaluate = (status: FleetStatus) => {
    const alerts = records.alerts()
    const known = new Map(alerts.map((record) => [record.key, record]))
    const context = { options, watchingSince: watchingSince(records, now), clock: clockNote(records) }
    const wrong = new Set<string>()
    const unknown = new Set<Rule>()
    for (const rule of RULES) {
      const findings = rule.look(status, context)
      if (findings === 'unknown') unknown.add(rule)
      else for (const key of judge(rule, findings, known, status.at)) wrong.add(key)
    }
    for (const key of new Set([...known.keys(), ...streaks.keys()])) {
      const rule = ruleOf(key)
      if (wrong.has(key) || (rule && unknown.has(rule))) continue
      const record = known.get(key)
      if (!record?.firing) streaks.delete(key)
      else if (streakOf(key, false, status.at).count >= (rule?.hold ?? 1)) {
        streaks.delete(key)
        end(record)
      }
    }
  }

  return {
    evaluate(status) {
      try {
        evaluate(status)
      } catch (error) {
        // The caller has a fleet to run; that its alerts fail is told by the log.
        logger.error({ err: error }, `alerts cannot be evaluated: ${describeError(error)}`)
      }
      for (const sender of senders) sender.wake()
    },
    settled: async () => void (await Promise.all(senders.map(({ idle }) => idle()))),
    close: async () => void (await Promise.all(senders.map((sender) => sender.close()))),
  }
}

function watchingSince(records: FleetRecords, now: () => number): number {
  const noted = records.note(WATCHING_NOTE)
  if (noted !== undefined) return Number(noted)
  const since = now()
  records.putNote(WATCHING_NOTE, String(since))
  return since
}

function clockNote(records: FleetRecords): ClockNote | undefined {
  const noted = records.note(CLOCK_NOTE)
  return noted === undefined ? undefined : (JSON.parse(noted) as ClockNote)
}

/** How many alerts fire now, by rule; every rule is there. */
export function firingRules(records: FleetRecords): ReadonlyMap<string, number> {
  const firing = new Map(RULES.map(({ name }) => [name, 0]))
  for (const { key, firing: fires } of records.alerts()) {
    const name = ruleOf(key)?.name
    if (fires && name) firing.set(name, (firing.get(name) ?? 0) + 1)
  }
  return firing
}
