import { HOUR } from '#data/bars.ts'
import type { FleetStatus } from '../watch/status.ts'
import type { AlertOptions } from './options.ts'

/** `critical`: money or all estimates are in doubt; `warning`: it can wait until the morning. */
export type Severity = 'warning' | 'critical'

/** Something that is wrong now. */
export interface Finding {
  /** With whom, where a rule may be broken by several; part of the alert's key. */
  readonly subject?: string
  /** What is wrong and what to do about it. */
  readonly text: string
  /** Since when, where that is known: UTC milliseconds. */
  readonly since?: number
}

/** What rules look at besides the status. */
export interface RuleContext {
  readonly options: AlertOptions
  /** When alerts were evaluated for the first time, UTC milliseconds. */
  readonly watchingSince: number
  /** The newest jump of the clock that was noted. */
  readonly clock?: ClockNote
}

/** What is noted under `clock`, as JSON: when the clock was found to have jumped (by the new time), and how. */
export interface ClockNote {
  readonly at: number
  readonly words: string
}

/** One thing that may be wrong with a fleet. */
export interface Rule {
  readonly name: string
  readonly severity: Severity
  /** Evaluations in a row that must agree before an alert begins or ends: what comes and goes is not told each time. */
  readonly hold: number
  /** What is wrong, or `unknown` where the status does not tell: an alert then stays as it is. */
  look(status: FleetStatus, context: RuleContext): readonly Finding[] | 'unknown'
}

/** A jump of the clock is told for so long, milliseconds: it is an event and no state. */
const CLOCK_TOLD = HOUR

const one = (wrong: boolean, finding: () => Finding): readonly Finding[] => (wrong ? [finding()] : [])

/** `2026-11-20 10:00 UTC` */
export function moment(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** Everything that alerts are made of, the worst first. */
export const RULES: readonly Rule[] = [
  {
    name: 'integrity-broken',
    severity: 'critical',
    hold: 1,
    look: ({ ledger }) =>
      ledger === null || ledger.intact === null
        ? 'unknown'
        : one(!ledger.intact, () => ({
            text: `the ledger does not hold together: ${ledger.words ?? 'see the integrity check'}. Nothing new is opened. Run \`millrace integrity\``,
          })),
  },
  {
    name: 'drawdown',
    severity: 'critical',
    hold: 2,
    look: ({ ledger }, { options }) =>
      ledger === null || Number.isNaN(ledger.drawdown)
        ? 'unknown'
        : one(100 * ledger.drawdown >= options.drawdownPercent, () => ({
            text: `equity is ${(100 * ledger.drawdown).toFixed(1)} % below its peak, at ${ledger.equity.toFixed(2)} dollars (alert at ${options.drawdownPercent} %). Run \`millrace why\` and \`millrace protections list\``,
          })),
  },
  {
    name: 'broker-unreachable',
    severity: 'critical',
    hold: 2,
    look: ({ broker }) =>
      one(!broker.reachable, () => ({
        text: `the ${broker.name} broker does not answer${broker.words ? `: ${broker.words}` : ''}. No job runs. Run \`millrace doctor\``,
      })),
  },
  {
    name: 'no-estimates',
    severity: 'critical',
    hold: 1,
    look: ({ round, serving }) =>
      round === null
        ? 'unknown'
        : one(serving.state === 'none', () => ({
            since: round.endedAt,
            text: `no model serves: there are no estimates, nothing is opened. Run \`millrace models list\`, then \`millrace schedule run-now daily\``,
          })),
  },
  {
    name: 'stale-data',
    severity: 'critical',
    hold: 1,
    look({ data: { newest, ageSeconds } }, { options }) {
      if (newest === null || ageSeconds === null) return 'unknown'
      return one(ageSeconds > 60 * options.staleMinutes, () => ({
        since: newest,
        text: `the newest bar is ${Math.round(ageSeconds / 60)} minutes old (alert at ${options.staleMinutes}), it ended ${moment(newest)}. Run \`millrace doctor\` and \`millrace fetch\``,
      }))
    },
  },
  {
    name: 'round-failed',
    severity: 'critical',
    hold: 1,
    look: ({ round }) =>
      round === null
        ? 'unknown'
        : one(round.state === 'failed', () => ({
            since: round.endedAt,
            text: `the round of ${moment(round.asOf)} failed${round.degraded.length > 0 ? `: ${round.degraded.join('; ')}` : ''}. Run \`millrace dead list\``,
          })),
  },
  {
    name: 'round-missed',
    severity: 'warning',
    hold: 2,
    look: ({ rounds }) =>
      one(rounds.due > 1, () => ({
        text: `${rounds.due} rounds are due and have not ended. Run \`millrace status\` and \`millrace schedule list\``,
      })),
  },
  {
    name: 'fallback',
    severity: 'warning',
    hold: 1,
    look: ({ round, serving }) =>
      round === null
        ? 'unknown'
        : one(serving.state === 'fallback', () => ({
            since: round.endedAt,
            text: `the fallback serves (${serving.model}), not the champion CDE. Run \`millrace models list\` and \`millrace doctor\``,
          })),
  },
  {
    name: 'worker-lost',
    severity: 'warning',
    hold: 1,
    // Only a broker that answers tells who listens to it.
    look: ({ broker, lostWorkers, workers }) =>
      broker.reachable
        ? lostWorkers.map((worker) => ({
            subject: worker,
            text: `worker ${worker} went without a farewell; ${workers.length} listen now. See its log, and start it again there: \`millrace worker\``,
          }))
        : 'unknown',
  },
  {
    name: 'dead-letters',
    severity: 'warning',
    hold: 1,
    look: ({ broker, deadLetters }) =>
      broker.reachable && !Number.isNaN(deadLetters)
        ? one(deadLetters > 0, () => ({
            text: `${deadLetters} jobs failed for good. Run \`millrace dead list\`: it says why, and how to replay them`,
          }))
        : 'unknown',
  },
  {
    name: 'retraining-failed',
    severity: 'warning',
    hold: 1,
    look: ({ retraining }) =>
      retraining === null
        ? 'unknown'
        : one(!retraining.ok, () => ({
            since: retraining.endedAt,
            text: `retraining ${retraining.flow} failed: ${retraining.words}. The old champion serves. Run \`millrace dead list\`, then \`millrace schedule run-now daily\``,
          })),
  },
  {
    name: 'retraining-overdue',
    severity: 'warning',
    hold: 2,
    look({ at, broker, retraining, schedules }, { options, watchingSince }) {
      if (!broker.reachable) return 'unknown'
      const daily = schedules.find(({ schedule }) => schedule === 'daily')
      // Whoever paused it knows, and a fleet without the schedule does not retrain.
      if (!daily || daily.paused) return []
      const last = retraining?.endedAt ?? watchingSince
      return one(at - last > options.retrainingHours * HOUR, () => ({
        since: last,
        text: `no retraining ended since ${moment(last)} (alert after ${options.retrainingHours} hours). Run \`millrace schedule list\`, then \`millrace schedule run-now daily\``,
      }))
    },
  },
  {
    name: 'clock-jumped',
    severity: 'warning',
    hold: 1,
    look: ({ at }, { clock }) =>
      one(clock !== undefined && Math.abs(at - clock.at) < CLOCK_TOLD, () => ({
        since: clock?.at,
        text: `the clock of this machine jumped: ${clock?.words}. Check its time synchronisation (\`timedatectl\`)`,
      })),
  },
]

/** The rule by which an alert was raised; undefined for one that this millrace does not know any more. */
export function ruleOf(key: string): Rule | undefined {
  const name = key.split(':', 1)[0]
  return RULES.find((rule) => rule.name === name)
}

/** Identity of an alert: the rule, and with whom something is wrong. */
export function alertKey({ name }: Rule, { subject }: Finding): string {
  return subject === undefined ? name : `${name}:${subject}`
}
