import { HOUR } from '#data/bars.ts'
import { usd } from '#training/report/format.ts'
import type { BacktestReportData, BaselineResult } from '../data.ts'
import { type LayerWorth, layerVerdict } from '../layers.ts'
import { list, percent, signedUsd } from './words.ts'

/** What came of the backtest in a few sentences, the unwelcome ones included. */
export interface Headline {
  readonly sentences: readonly string[]
  /** True where the run is ahead of doing nothing by more than luck. */
  readonly convincing: boolean
}

/** The verdict of a backtest: what it earned, whether that can be luck, and which layers pay for themselves. */
export function headline(data: BacktestReportData): Headline {
  const nothing = known(data.baselines, 'doing nothing')
  return {
    sentences: [earned(data), ...(nothing ? [against(nothing.worth)] : []), ...layers(data)],
    convincing: nothing !== undefined && nothing.worth.annualReturn.low > 0,
  }
}

type KnownResult = Extract<BaselineResult, { worth: LayerWorth }>

/** The baseline of a name, where it could be computed. */
export function known(baselines: readonly BaselineResult[], name: string): KnownResult | undefined {
  const found = baselines.find((baseline) => baseline.name === name)
  return found === undefined || 'unavailable' in found ? undefined : found
}

/** What a baseline changed the capital by, dollars. */
export function changeOf({ equity }: KnownResult): number {
  return (equity.value.at(-1) ?? equity.opening) - equity.opening
}

function earned({ split, capitalDollars, range, figures, baselines }: BacktestReportData): string {
  const days = Math.round((range.to - range.from) / (24 * HOUR))
  const others = baselines
    .filter((baseline) => baseline.name !== 'doing nothing')
    .map((baseline) =>
      'unavailable' in baseline
        ? `${baseline.name} cannot be told (${baseline.unavailable})`
        : `${baseline.name} ${changeOf(baseline) < 0 ? 'lost' : 'earned'} ${usd(Math.abs(changeOf(baseline)))}`,
    )
  const beside = `; doing nothing earned 0${others.map((words) => `, ${words}`).join('')}`
  if (figures.trades.count === 0 && split.total.net === 0) return `The wheel never traded in ${days} days${beside}.`
  const { net } = split.total
  const words = `The wheel ${net < 0 ? 'lost' : 'earned'} ${usd(Math.abs(net))} USD on paper in ${days} days`
  return `${words} (${percent(net / capitalDollars)} of the capital)${beside}.`
}

function against({ annualReturn: { estimate, low, high }, dollars }: LayerWorth): string {
  if (Number.isNaN(low)) return 'That is too short a time for an interval: it says nothing about another one.'
  const interval = `${percent(low)} to ${percent(high)}`
  const begin = `Against doing nothing that is ${percent(estimate)} a year with a 95 % interval of ${interval}`
  if (low > 0) return `${begin}, which leaves out zero.`
  if (high < 0)
    return `${begin}, all of it below zero: standing aside was better by ${signedUsd(-dollars.estimate)} USD.`
  return `${begin}, which contains zero: it may be ${estimate < 0 ? 'bad luck' : 'luck'}.`
}

function layers({ layers: all }: BacktestReportData): string[] {
  if (all.length === 0) return []
  const of = (verdict: string) =>
    all.filter(({ worth, corrected }) => layerVerdict(worth, corrected) === verdict).map(({ name }) => layerName(name))
  const [pays, costs] = [of('pays'), of('costs')]
  const open = all.length - pays.length - costs.length
  if (open === all.length) {
    return [`Of none of the ${all.length} layers can it be told whether it pays for itself.`]
  }
  const said = [
    ...(pays.length > 0 ? [`${list(pays)} ${pays.length > 1 ? 'pay for themselves' : 'pays for itself'}`] : []),
    ...(costs.length > 0
      ? [
          `${list(costs)} ${costs.length > 1 ? 'cost' : 'costs'} more than ${costs.length > 1 ? 'they bring' : 'it brings'}`,
        ]
      : []),
    ...(open > 0 ? [`of the other ${open} it cannot be told`] : []),
  ]
  return [`Of ${all.length} layers ${said.join('; ')}.`]
}

/** `without regimes` as the layer that was taken away: `regimes`. */
export const layerName = (variant: string): string => variant.replace(/^without /, '')
