import { InputError } from '#data/errors.ts'
import type { GraduationEvent, GraduationState } from '../ledger/events.ts'

/** Who is named where no person decided. */
export const BY_GATES = 'gates'

type Mover = 'gates' | 'person' | 'either'

/**
 * Every step that there is, and who may take it.
 *
 * paper -> eligible -> approved -> live; from the last three to demoted at any time; from demoted to paper by a person
 * only, and then everything is to be shown anew. Eligibility that lapses (a figure fell below its gate without doubt
 * about money) goes back to paper by itself. Approval and going live are a person's.
 */
const STEPS: Readonly<Record<GraduationState, Partial<Record<GraduationState, Mover>>>> = {
  paper: { eligible: 'gates' },
  eligible: { paper: 'gates', approved: 'person', demoted: 'either' },
  approved: { live: 'person', demoted: 'either' },
  live: { demoted: 'either' },
  demoted: { paper: 'person' },
}

/** Why a step cannot be taken; undefined where it can. */
export function objectionTo({ from, to, by, reason }: Omit<GraduationEvent, 'kind' | 'time'>): string | undefined {
  const mover = STEPS[from]?.[to]
  if (mover === undefined) return `nothing leads from ${from} to ${to}`
  const person = by.trim() !== '' && by !== BY_GATES
  if (mover === 'person' && !person) return `only a person can decide to go from ${from} to ${to}: say who`
  if (mover === 'gates' && by !== BY_GATES) return `only the gates lead from ${from} to ${to}, not ${by}`
  if (by.trim() === '') return 'it does not say who decided'
  return reason.trim() === '' ? 'it does not say why' : undefined
}

/**
 * Checks a step that is about to be recorded or is read again: a ledger in which money was reached without a person is
 * no ledger.
 *
 * @throws {InputError} naming the step and what is wrong with it
 */
export function checkStep(event: GraduationEvent): void {
  const objection = objectionTo(event)
  if (objection === undefined) return
  throw new InputError(`graduation from ${event.from} to ${event.to}: ${objection}`, {
    from: event.from,
    to: event.to,
    by: event.by,
    time: event.time,
  })
}
