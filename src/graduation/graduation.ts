import { MillraceError } from '#data/errors.ts'
import type { GraduationEvent, GraduationState } from '../ledger/events.ts'
import { GATE_NAMES, type Gate } from './gates.ts'
import { BY_GATES, objectionTo } from './transitions.ts'

/** Where graduation stands: a ledger's state is one. */
export interface Graduated {
  readonly graduation: GraduationState
}

/** A decision of a person. */
export interface Command {
  readonly by: string
  readonly reason: string
  readonly time: number
}

/**
 * The step that the gates ask for now; undefined where all stays as it is.
 *
 * From paper, all gates together lead to eligible. A failed gate that demotes (see `graduationGates`) leads from
 * eligible, approved and live to demoted; any other that fails takes eligibility back to paper. From demoted nothing
 * leads by itself.
 *
 * @throws {MillraceError} `fail-closed` where a gate was left out: a gate that nobody judged has not passed
 */
export function nextGraduation(
  { graduation }: Graduated,
  gates: readonly Gate[],
  asOf: number,
): GraduationEvent | undefined {
  mustBeWhole(gates)
  const failed = gates.filter(({ passed }) => !passed)
  const grave = failed.filter(({ demotes }) => demotes)
  const step = (to: GraduationState, reason: string) => stepOf(graduation, to, BY_GATES, reason, asOf, gates)
  switch (graduation) {
    case 'paper':
      return failed.length === 0 ? step('eligible', 'all gates pass') : undefined
    case 'eligible':
      if (grave.length > 0) return step('demoted', reasonOf(grave))
      return failed.length > 0 ? step('paper', reasonOf(failed)) : undefined
    case 'approved':
    case 'live':
      return grave.length > 0 ? step('demoted', reasonOf(grave)) : undefined
    case 'demoted':
      return undefined
  }
}

/**
 * A person approves trading with money: from eligible only, and only while all gates pass.
 *
 * @throws {MillraceError} `fail-closed` in every other case
 */
export function approve(state: Graduated, command: Command, gates: readonly Gate[]): GraduationEvent {
  mustBeWhole(gates)
  const failed = gates.filter(({ passed }) => !passed)
  if (state.graduation === 'eligible' && failed.length > 0) throw refused('approved', reasonOf(failed), state)
  return commanded(state, 'approved', command, gates)
}

/** A person begins to trade with money: from approved only. @throws {MillraceError} `fail-closed` otherwise */
export function goLive(state: Graduated, command: Command): GraduationEvent {
  return commanded(state, 'live', command, [])
}

/** A person takes it back: from eligible, approved or live. @throws {MillraceError} `fail-closed` otherwise */
export function demote(state: Graduated, command: Command): GraduationEvent {
  return commanded(state, 'demoted', command, [])
}

/**
 * A person lets a demoted strategy begin anew on paper; what it did before counts for nothing
 * (`src/graduation/evidence.ts`).
 *
 * @throws {MillraceError} `fail-closed` where it is not demoted
 */
export function reset(state: Graduated, command: Command): GraduationEvent {
  return commanded(state, 'paper', command, [])
}

function commanded(state: Graduated, to: GraduationState, command: Command, gates: readonly Gate[]): GraduationEvent {
  const event = stepOf(state.graduation, to, command.by, command.reason, command.time, gates)
  const objection = command.by === BY_GATES ? `"${BY_GATES}" is nobody's name` : objectionTo(event)
  if (objection !== undefined) throw refused(to, objection, state)
  return event
}

function stepOf(
  from: GraduationState,
  to: GraduationState,
  by: string,
  reason: string,
  time: number,
  gates: readonly Gate[],
): GraduationEvent {
  const evidence = Object.fromEntries(
    gates.map(({ name, passed, figure, threshold }) => [
      name,
      `${passed ? 'passed' : 'failed'}: ${figure} (${threshold})`,
    ]),
  )
  return { kind: 'graduation', time, from, to, by, reason, evidence }
}

function reasonOf(failed: readonly Gate[]): string {
  return failed.map(({ name, figure, threshold }) => `${name} is ${figure}, must be ${threshold}`).join('; ')
}

function refused(to: GraduationState, why: string, { graduation }: Graduated): MillraceError {
  return new MillraceError('fail-closed', `not ${to}: ${why}`, { graduation, to })
}

function mustBeWhole(gates: readonly Gate[]): void {
  const missing = GATE_NAMES.filter((name) => !gates.some((gate) => gate.name === name))
  if (missing.length === 0) return
  throw new MillraceError('fail-closed', `gates not judged: ${missing.join(', ')}`, { missing })
}
