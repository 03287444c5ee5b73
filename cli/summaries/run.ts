import { REGIMES, type Regime } from '#models/regime.ts'
import { decimal, layOut } from '../table.ts'

interface Scores {
  readonly accuracy: number
  readonly macroF1: number
  readonly f1: Readonly<Record<Regime, number>>
}

/** What is shown of a run's summary. */
export interface RunResult {
  readonly source: string
  readonly coins: readonly string[]
  readonly range: { readonly from: string; readonly to: string }
  readonly backend: { readonly name: string; readonly reason: string }
  readonly evaluation: Readonly<Record<'cde' | 'hmm' | 'rule' | 'linear', Scores>>
  readonly inference: {
    readonly broker: string
    readonly workers: number
    readonly windows: number
    readonly seconds: number
  }
  readonly wheel: WheelResult
  readonly report: { readonly html: string }
  readonly seconds: Readonly<Record<string, number>>
}

export interface WheelResult {
  readonly decisions: number
  readonly trades: number
  readonly fees: number
  readonly funding: number
  readonly realised: number
  readonly equityChange: number
}

/** Dollars with their sign: `+12.34 $`. */
export function dollars(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)} $`
}

/** The scores of each model in a table. */
export function describeScores(evaluation: Readonly<Record<string, Scores>>): string {
  const rows = Object.entries(evaluation).map(([model, { accuracy, macroF1, f1 }]) => [
    model,
    decimal(macroF1),
    ...REGIMES.map((regime) => decimal(f1[regime])),
    decimal(accuracy),
  ])
  return layOut([['model', 'macro-F1', ...REGIMES, 'accuracy'], ...rows])
}

/** The wheel's balance in a line. */
export function describeWheel({ decisions, trades, realised, funding, fees, equityChange }: WheelResult): string {
  return (
    `${decisions} decisions, ${trades} trades: ${dollars(equityChange)} = ` +
    `realised ${dollars(realised)}, funding ${dollars(funding)}, fees ${dollars(-fees)}`
  )
}

/** The end of a run, for people; the last line says where the report is. */
export function describeRun(run: RunResult): string {
  const { coins, range, evaluation, inference, backend, seconds } = run
  const total = Object.values(seconds).reduce((sum, value) => sum + value, 0)
  const facts = layOut([
    ['data', `${run.source}, ${coins.join(' ')}, ${range.from} to ${range.to}`],
    ['training', `on ${backend.name} (${backend.reason})`],
    [
      'fleet',
      `${inference.windows} windows in ${decimal(inference.seconds, 1)} s by ${inference.workers} workers (${inference.broker})`,
    ],
    ['wheel', describeWheel(run.wheel)],
    ['time', `${decimal(total, 0)} s`],
  ])
  return `\n${describeScores(evaluation)}\n\n${facts}\n\nreport: ${run.report.html}`
}
