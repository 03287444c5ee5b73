import type { Gate } from '#src/graduation/gates.ts'
import type { GraduationEvent, GraduationState } from '#src/ledger/events.ts'
import { layOut, minute } from '../table.ts'

/** Where a strategy stands between paper and money. */
export interface GraduationAnswer {
  readonly ledger: string
  /** Ledger of the backtest that paper was compared with; null where there is none. */
  readonly backtest: string | null
  readonly state: GraduationState
  /** What comes next, in a sentence. */
  readonly next: string
  /** The step that was just taken; null where none was. */
  readonly taken: GraduationEvent | null
  readonly gates: readonly Gate[]
  /** Every step so far, oldest first. */
  readonly steps: readonly GraduationEvent[]
}

const day = (time: number) => (Number.isFinite(time) ? minute(new Date(time).toISOString()) : '-')

/** State, gates and steps, for people. */
export function describeGraduation({ ledger, backtest, state, next, taken, gates, steps }: GraduationAnswer): string {
  const rows = gates.map(({ name, passed, figure, threshold, demotes }) => [
    name,
    passed ? 'passed' : 'FAILED',
    figure,
    threshold,
    demotes ? 'demotes' : '',
  ])
  const lines = [
    ...(taken === null ? [] : [`${taken.from} -> ${taken.to}, by ${taken.by}: ${taken.reason}`]),
    `${state}: ${next}`,
    '',
    layOut([['gate', '', 'figure', 'must be', ''], ...rows]),
  ]
  if (steps.length > 0) {
    const story = steps.map(({ time, from, to, by, reason }) => [day(time), `${from} -> ${to}`, by, reason])
    lines.push('', layOut([['time', 'step', 'by', 'reason'], ...story]))
  }
  return [...lines, '', `ledger: ${ledger}`, `backtest: ${backtest ?? 'none'}`].join('\n')
}
