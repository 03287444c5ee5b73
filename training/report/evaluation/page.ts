import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Eta } from 'eta'
import type { Chart } from '../charts/render.ts'
import * as format from '../format.ts'
import { htmlTable } from '../html-table.ts'
import type { ReportTables } from '../tables.ts'
import type { EvaluationReportData } from './data.ts'
import { SHOWN, sideName } from './names.ts'

const REPORT_FOLDER = join(import.meta.dirname, '..')
/** A corrected p below this is called more than chance. */
const ALPHA = 0.05

/** The pictures by the part of the page in which they stand. */
export interface EvaluationCharts {
  readonly folds: readonly Chart[]
  readonly differences: readonly Chart[]
  readonly coins: readonly Chart[]
  readonly reliability: readonly Chart[]
  readonly stability: readonly Chart[]
  readonly forward: readonly Chart[]
  readonly robustness: readonly Chart[]
}

/** One self-contained HTML page on a walk-forward evaluation, in the look of the run's report. */
export function renderEvaluationPage(
  data: EvaluationReportData,
  tables: ReportTables,
  charts: EvaluationCharts,
): string {
  const eta = new Eta({ views: REPORT_FOLDER, autoEscape: true, cache: true })
  const { folds, verdict, forecast, labelReachHours } = data.walkForward
  const [first, last] = [folds[0], folds[folds.length - 1]]
  return eta.render('./evaluation/page', {
    style: readFileSync(join(REPORT_FOLDER, 'page.css'), 'utf8'),
    title: `millrace: evaluation, ${data.coins.join(', ')}, ${format.utcDay(first.test.from)} to ${format.utcDay(last.test.to)}`,
    period: { from: format.utcDay(first.test.from), to: format.utcDay(last.test.to) },
    verdict,
    cards: cards(data),
    facts: facts(data),
    charts,
    table: (name: string, caption: string) => tables[name] && htmlTable(tables[name], caption),
    rows: (name: string) => tables[name]?.rows.length ?? 0,
    labelReachHours,
    forecast: forecast.note,
    forward: forwardSentence(data),
    limits: limits(data),
    files: ['evaluation.json', ...Object.keys(tables).map((name) => `${name}.csv`)],
  })
}

function cards({ walkForward: { contestants } }: EvaluationReportData) {
  const shown = SHOWN.filter((side) => side !== 'cde' && side !== 'cdeLinear')
  const best = Math.max(
    ...shown.map((side) => contestants[side].all.macroF1.mean).filter((value) => !Number.isNaN(value)),
  )
  return shown.map((side) => {
    const { all, last } = contestants[side]
    return {
      name: sideName(side),
      value: format.score(all.macroF1.mean),
      detail: `± ${format.score(all.macroF1.sd)}; last fold ${format.score(last.macroF1.mean)}`,
      best: all.macroF1.mean === best,
    }
  })
}

function facts({ walkForward, ...data }: EvaluationReportData) {
  const { folds, foldsAsked, seeds, fits } = walkForward
  const fewer = folds.length < foldsAsked ? ` (${foldsAsked} were asked for, the data have room for no more)` : ''
  return [
    { name: 'Source', value: `${data.source} (${data.origin})` },
    { name: 'Coins evaluated', value: data.coins.join(', ') },
    { name: 'Trained on', value: `${data.pool.length} coins: ${data.pool.join(', ')}` },
    { name: 'Range', value: `${format.utcMinute(data.range.from)} to ${format.utcMinute(data.range.to)}` },
    { name: 'Folds', value: `${folds.length}${fewer}` },
    { name: 'Seeds', value: seeds.join(', ') },
    {
      name: 'Fits',
      value: `${fits.done}, ${fits.fromCache} of them from an earlier evaluation, ${fits.failed.length} failed`,
    },
    { name: 'Generated', value: format.utcMinute(data.generatedAt) },
  ]
}

/** Which regimes say something of the next day, in words. */
function forwardSentence({ walkForward: { forward } }: EvaluationReportData): string {
  const tests = forward.filter(({ corrected }) => !Number.isNaN(corrected))
  if (tests.length === 0) return 'There are too few weeks of tested hours for a test.'
  const found = (outcome: string) =>
    tests
      .filter((row) => row.outcome === outcome && row.corrected < ALPHA)
      .map(({ contestant }) => sideName(contestant))
  const words = (what: string, names: readonly string[]) =>
    names.length > 0
      ? `${what} differs by more than chance after the regimes of ${names.join(', ')}`
      : `${what} does not differ by more than chance after any model's regimes`
  return `${words('The volatility of the next day', found('volatility'))}; ${words('its return', found('return'))} (corrected p below ${ALPHA}, ${tests.length} tests).`
}

/** What the numbers cannot carry. */
function limits({ walkForward, source }: EvaluationReportData): string[] {
  const { folds, seeds } = walkForward
  const days = Math.round((folds[folds.length - 1].test.to - folds[0].test.from) / 86_400_000)
  return [
    'The label is centred: half of it lies after the hour it belongs to. A score says how well a model recognises what ' +
      'the market is doing, not how well it foresees what comes next.',
    `All tested hours lie within ${days} days of one market, and coins move together. The intervals speak of other ` +
      'periods of the same kind, not of a market that changes its nature.',
    'The network, its settings and the label were chosen by people who had seen the last test block; the validation ' +
      'parts and fresh months are cleaner ground.',
    ...(seeds.length < 3
      ? [`With ${seeds.length === 1 ? 'one seed' : `${seeds.length} seeds`} the deviation by seed says little.`]
      : []),
    ...(source === 'simulated'
      ? ['The market was simulated. Its result shows that the machinery works, not that a real market can be read.']
      : []),
  ]
}
