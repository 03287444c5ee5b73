import type { Side } from '../../walk-forward/differences.ts'

/** Contestants as they are shown, with their colours (Okabe and Ito 2008, as everywhere in the reports). */
const SIDES: Record<Side, { readonly name: string; readonly colour: string }> = {
  chosen: { name: 'CDE, chosen field', colour: '#cc79a7' },
  cde: { name: 'CDE, plain field', colour: '#9c4f7c' },
  cdeLinear: { name: 'CDE, linear field', colour: '#d55e00' },
  hmm: { name: 'HMM', colour: '#e69f00' },
  gru: { name: 'GRU', colour: '#0072b2' },
  logistic: { name: 'Logistic', colour: '#009e73' },
  rule: { name: 'Hand rule', colour: '#56b4e9' },
}

/** All contestants in the order in which they are shown; `chosen` repeats one of the two fields. */
export const SHOWN = Object.keys(SIDES) as Side[]
/** The same without `chosen`. */
export const EACH = SHOWN.filter((side) => side !== 'chosen') as Exclude<Side, 'chosen'>[]

export const sideName = (side: string): string => SIDES[side as Side]?.name ?? side
export const sideColour = (side: string): string => SIDES[side as Side]?.colour ?? '#8a9099'
