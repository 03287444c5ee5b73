import { REGIMES, type Regime } from '#models/regime.ts'
import type { Gate } from '../gates.ts'
import { verdict } from '../verdict.ts'
import type { ReportData } from './data.ts'
import * as format from './format.ts'
import { type Cell, type Danfo, type Frame, loadDanfo, makeFrame } from './frames.ts'

/** A column: `name` heads the CSV, `title` the page. */
export interface Column {
  readonly name: string
  readonly title: string
  readonly format: format.Format
}

/** A table of the report, made of a danfo.js frame. */
export interface ReportTable extends Frame {
  readonly name: string
  readonly header: readonly Column[]
}

/** All tables by name; each also goes out as `<name>.csv`. */
export type ReportTables = Record<string, ReportTable>

/** What is to become a table; `sortBy` is the column to sort by, largest first. */
export interface TablePlan {
  readonly header: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  readonly sortBy?: string
}

/** A column of numbers to three places, unless told how else. */
export const column = (name: string, title: string, how: format.Format = format.score): Column => ({
  name,
  title,
  format: how,
})
const regimes = (how: format.Format) => REGIMES.map((regime) => column(regime, capital(regime), how))
const inOrder = (values: Record<Regime, number>) => REGIMES.map((regime) => values[regime])

/** Builds the tables of a run's report. */
export function buildTables(data: ReportData): Promise<ReportTables> {
  return buildPlans({ ...scorePlans(data), ...runPlans(data) })
}

/** Builds every table as a danfo.js frame, inside `tidy`, so that no tensor of danfo.js outlives the report. */
export async function buildPlans(plans: Record<string, TablePlan>): Promise<ReportTables> {
  const danfo = await loadDanfo()
  const tables: ReportTables = {}
  // `tidy` wants a function that returns nothing that it would have to keep.
  danfo.tensorflow.tidy(() => {
    for (const [name, plan] of Object.entries(plans)) tables[name] = buildTable(danfo, name, plan)
  })
  return tables
}

function buildTable(danfo: Danfo, name: string, { header, rows, sortBy }: TablePlan): ReportTable {
  const names = header.map((entry) => entry.name)
  const frame = makeFrame(danfo, names, rows, (made) =>
    sortBy === undefined
      ? made
      : made.iloc({ rows: descending(rows.map((row) => Number(row[names.indexOf(sortBy)]))) }),
  )
  return { name, header, ...frame }
}

/** Row numbers, largest value first, `NaN` last: `sortValues` of danfo.js gives up at the first `NaN`. */
function descending(values: readonly number[]): number[] {
  const key = (row: number) => (Number.isNaN(values[row]) ? Number.NEGATIVE_INFINITY : values[row])
  return values.map((_, row) => row).sort((a, b) => (key(a) === key(b) ? 0 : key(b) - key(a)))
}

/** What the models scored. */
function scorePlans({ evaluation }: ReportData): Record<string, TablePlan> {
  const models = Object.entries(evaluation.models)
  const plans: Record<string, TablePlan> = {
    models: {
      header: [
        column('model', 'Model', format.text),
        column('macroF1', 'Macro-F1'),
        column('accuracy', 'Accuracy'),
        column('logLoss', 'Log-loss, nats'),
        column('ece', 'Calibration error'),
        column('answered', 'Hours answered', format.count),
        column('unanswered', 'Unanswered', format.count),
      ],
      rows: models.map(([model, score]) => [
        format.modelName(model),
        score.macroF1,
        score.accuracy,
        score.logLoss,
        score.ece,
        score.answered,
        score.unanswered,
      ]),
      sortBy: 'macroF1',
    },
    classes: {
      header: [
        column('model', 'Model', format.text),
        column('regime', 'Regime', format.text),
        column('precision', 'Precision'),
        column('recall', 'Recall'),
        column('f1', 'F1'),
        column('hours', 'Hours of this label', format.count),
      ],
      rows: models.flatMap(([model, score]) =>
        REGIMES.map((regime, k) => [
          format.modelName(model),
          regime,
          score.precision[regime],
          score.recall[regime],
          score.f1[regime],
          score.confusion[k].reduce((sum, value) => sum + value, 0),
        ]),
      ),
    },
    coins: {
      header: [
        column('coin', 'Coin', format.text),
        column('hours', 'Hours compared', format.count),
        ...models.map(([model]) => column(model, format.modelName(model))),
        column('best', 'Best', format.text),
      ],
      rows: evaluation.coins.map((coin) => [
        coin,
        evaluation.winners[coin].n,
        ...models.map(([, score]) => score.perCoin[coin].macroF1),
        evaluation.winners[coin].models.map(format.modelName).join(' = '),
      ]),
    },
    stability: {
      header: [
        column('series', 'Series', format.text),
        column('churnPerDay', 'Changes a day', format.decimal),
        column('meanDwellHours', 'Mean stay, hours', format.decimal),
        ...regimes(format.share),
        column('collapsed', 'Collapsed', format.text),
      ],
      rows: [
        ...models.map(([model, score]) => [
          format.modelName(model),
          score.churnPerDay,
          score.meanDwellHours,
          ...inOrder(score.occupancy),
          score.collapsed ? 'yes' : 'no',
        ]),
        [
          'Labels themselves',
          evaluation.labels.churnPerDay,
          evaluation.labels.meanDwellHours,
          ...inOrder(evaluation.labels.occupancy),
          '',
        ],
      ],
    },
  }
  plans.gates = gatesPlan(verdict(evaluation).gates)
  if (evaluation.differences) plans.differences = differencesPlan(evaluation.differences)
  if (evaluation.optimum) plans.optimum = optimumPlan(evaluation)
  return plans
}

/** The conditions that a verdict rests on, with their figures. */
export function gatesPlan(gates: readonly Gate[]): TablePlan {
  return {
    header: [
      column('candidate', 'Candidate', format.text),
      column('gate', 'Gate', format.text),
      column('passed', 'Passed', format.text),
      column('detail', 'Figures and condition', format.text),
    ],
    rows: gates.map(({ candidate, name, passed, detail }) => [
      format.modelName(candidate),
      name,
      passed ? 'yes' : 'NO',
      detail,
    ]),
  }
}

/** Leads of CDE and HMM with their intervals. */
function differencesPlan(differences: NonNullable<ReportData['evaluation']['differences']>): TablePlan {
  return {
    header: [
      column('first', 'Candidate', format.text),
      column('second', 'against', format.text),
      column('difference', 'Lead, macro-F1', format.signed),
      column('low', 'from', format.signed),
      column('high', 'to', format.signed),
      column('p', 'p'),
    ],
    rows: differences.map(({ first, second, difference, low, high, p }) => [
      format.modelName(first),
      format.modelName(second),
      difference,
      low,
      high,
      p,
    ]),
  }
}

/** Distance to the best possible, on simulated data. */
function optimumPlan({ models, optimum }: ReportData['evaluation']): TablePlan {
  const rows = Object.entries(models).map(([model, score]) => [
    format.modelName(model),
    score.macroF1,
    score.distance?.macroF1 ?? Number.NaN,
    score.distance?.logLoss ?? Number.NaN,
    score.distance?.divergence ?? Number.NaN,
    score.againstTruth?.macroF1 ?? Number.NaN,
  ])
  const best = optimum ? [['Best possible', optimum.macroF1, 0, 0, 0, optimum.againstTruth?.macroF1 ?? Number.NaN]] : []
  return {
    header: [
      column('model', 'Model', format.text),
      column('macroF1', 'Macro-F1'),
      column('macroF1Gap', 'Macro-F1 below the best'),
      column('logLossGap', 'Log-loss above the best'),
      column('divergence', 'Divergence, nats'),
      column('macroF1Truth', "Macro-F1 against the simulator's regimes"),
    ],
    rows: [...best, ...rows],
  }
}

/** What went in and what was done with it. */
function runPlans({ dataset, onnx, wheel, training, seconds, timelines }: ReportData): Record<string, TablePlan> {
  return {
    dataset: {
      header: [
        column('coin', 'Coin', format.text),
        column('bars', 'Bars', format.count),
        column('windows', 'Windows', format.count),
        column('from', 'From, UTC', format.text),
        column('to', 'To, UTC', format.text),
        column('gapHours', 'Hours absent', format.count),
        column('fundingMissing', 'Hours without funding', format.count),
        ...regimes(format.share),
      ],
      rows: dataset.perCoin.map((coin) => [
        coin.coin,
        coin.bars,
        coin.windows,
        format.utcIso(coin.from),
        format.utcIso(coin.to),
        coin.gapHours,
        coin.fundingMissing,
        ...inOrder(coin.classShare),
      ]),
    },
    notices: {
      header: [
        column('coin', 'Coin', format.text),
        column('kind', 'Kind', format.text),
        column('message', 'What was seen', format.text),
      ],
      rows: dataset.notices.map(({ coin, kind, message }) => [coin, kind, message]),
    },
    epochs: {
      header: [
        column('epoch', 'Epoch', format.count),
        column('trainLoss', 'Training loss'),
        column('validationLoss', 'Validation loss'),
        column('validationMacroF1', 'Validation macro-F1'),
      ],
      rows: training.cde.epochs.map((row) => [row.epoch, row.trainLoss, row.validationLoss, row.validationMacroF1]),
    },
    onnx: {
      header: [
        column('model', 'Model', format.text),
        column('maxAbsDiff', 'Largest difference', format.scientific),
        column('path', 'File', format.text),
        column('sha256', 'SHA-256', format.text),
      ],
      rows: Object.entries(onnx).map(([model, record]) => [
        format.modelName(model),
        record.maxAbsDiff,
        record.path,
        record.sha256,
      ]),
    },
    wheel: {
      header: [
        column('coin', 'Coin', format.text),
        column('trades', 'Trades', format.count),
        column('realised', 'Realised, USD', format.usd),
        column('funding', 'Funding, USD', format.usd),
        column('fees', 'Fees, USD', format.usd),
        column('net', 'Net, USD', format.usd),
      ],
      rows: wheel.perCoin.map((row) => [
        row.coin,
        row.trades,
        row.realised,
        row.funding,
        row.fees,
        row.realised + row.funding - row.fees,
      ]),
    },
    rejections: {
      header: [column('reason', 'Reason', format.text), column('count', 'Times', format.count)],
      rows: wheel.rejections.map(({ reason, count }) => [reason, count]),
      sortBy: 'count',
    },
    seconds: {
      header: [column('stage', 'Stage', format.text), column('seconds', 'Seconds', format.decimal)],
      rows: Object.entries(seconds),
    },
    hours: hoursPlan(timelines),
  }
}

/** The hourly series behind the pictures, for CSV only. */
function hoursPlan(timelines: ReportData['timelines']): TablePlan {
  return {
    header: ['coin', 'asOf', 'close', 'funding', 'regime', 'label'].map((name) => column(name, name, format.text)),
    rows: timelines.flatMap(({ coin, asOf, close, funding, regime, label }) =>
      asOf.map((time, i) => [
        coin,
        format.utcIso(time),
        close[i],
        funding[i],
        REGIMES[regime[i]] ?? '',
        REGIMES[label[i]] ?? '',
      ]),
    ),
  }
}

function capital(word: string): string {
  return word[0].toUpperCase() + word.slice(1)
}
