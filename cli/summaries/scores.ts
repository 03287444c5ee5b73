import { REGIMES, type Regime } from '#models/regime.ts'
import { decimal, layOut } from '../table.ts'

/** Scores of one model, as every summary has them. */
export interface Scores {
  readonly accuracy: number
  readonly macroF1: number
  readonly f1: Readonly<Record<Regime, number>>
}

/** A table of models and their scores; one that could not be measured has dashes. */
export function describeScores(evaluation: Readonly<Record<string, Scores>>): string {
  const rows = Object.entries(evaluation).map(([model, { accuracy, macroF1, f1 }]) => [
    model,
    decimal(macroF1),
    ...REGIMES.map((regime) => decimal(f1[regime])),
    decimal(accuracy),
  ])
  return layOut([['model', 'macro-F1', ...REGIMES, 'accuracy'], ...rows])
}
