import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Eta } from 'eta'
import { verdict } from '../verdict.ts'
import type { ReportCharts } from './charts.ts'
import type { ReportData } from './data.ts'
import * as format from './format.ts'
import { htmlTable } from './html-table.ts'
import type { ReportTables } from './tables.ts'

/** Models whose macro-F1 stands at the head of the page, in this order. */
const HEADLINE = ['cde', 'hmm', 'rule', 'linear']
/** The ledger keeps micro-dollars: an identity that is off by less than half of one holds. */
const MICRO_DOLLAR = 1e-6

interface Fact {
  readonly name: string
  readonly value: string
}

/**
 * Puts the report together as one self-contained HTML page: style and pictures are inside, no script, nothing is
 * loaded from elsewhere. Every text is escaped by the template; only pictures drawn by us go in as they are.
 */
export function renderPage(data: ReportData, tables: ReportTables, charts: ReportCharts): string {
  const eta = new Eta({ views: import.meta.dirname, autoEscape: true, cache: true })
  return eta.render('./page', {
    style: readFileSync(join(import.meta.dirname, 'page.css'), 'utf8'),
    title: `millrace: ${data.coins.join(', ')}, test ${format.utcDay(data.testFrom)} to ${format.utcDay(data.range.to)}`,
    period: { from: format.utcDay(data.testFrom), to: format.utcDay(data.range.to) },
    facts: runFacts(data),
    verdict: verdict(data.evaluation),
    cards: headline(data),
    wheel: wheelSummary(data),
    charts,
    // Called from the template: the table of a name, or nothing where the run had none.
    table: (name: string, caption: string) => tables[name] && htmlTable(tables[name], caption),
    rows: (name: string) => tables[name]?.rows.length ?? 0,
    notes: evaluationNotes(data),
    dataNotes: dataNotes(data),
    inference: inferenceFacts(data),
    degradations: data.inference.degradations,
    training: trainingFacts(data),
    limits: limits(data),
    files: ['report.json', ...Object.keys(tables).map((name) => `${name}.csv`)],
  })
}

function runFacts(data: ReportData): Fact[] {
  const { range } = data
  return [
    { name: 'Source', value: `${data.source} (${data.origin})` },
    { name: 'Coins evaluated', value: data.coins.join(', ') },
    { name: 'Trained on', value: `${data.pool.length} coins: ${data.pool.join(', ')}` },
    { name: 'Range', value: `${format.utcMinute(range.from)} to ${format.utcMinute(range.to)}` },
    { name: 'Test period', value: `${format.utcMinute(data.testFrom)} to ${format.utcMinute(range.to)}` },
    { name: 'Training backend', value: `${data.backend.name}: ${data.backend.reason}` },
    { name: 'Seed', value: String(data.seed) },
    { name: 'Generated', value: format.utcMinute(data.generatedAt) },
  ]
}

function headline({ evaluation: { models } }: ReportData) {
  const shown = HEADLINE.filter((model) => model in models)
  const best = Math.max(...shown.map((model) => models[model].macroF1).filter((value) => !Number.isNaN(value)))
  return shown.map((model) => ({
    name: format.modelName(model),
    value: format.score(models[model].macroF1),
    detail: `accuracy ${format.score(models[model].accuracy)}`,
    best: models[model].macroF1 === best,
    warning: models[model].collapsed ? 'has given up a regime' : '',
  }))
}

function wheelSummary({ wheel }: ReportData) {
  const { realised, funding, fees, equityChange } = wheel
  const off = equityChange - (realised + funding - fees)
  const signed = (value: number) => `${value < 0 ? '' : '+'}${format.usd(value)}`
  return {
    value: signed(equityChange),
    identity: `${format.usd(realised)} realised ${signed(funding)} funding ${signed(-fees)} fees`,
    problem: Math.abs(off) < MICRO_DOLLAR ? '' : `These do not add up: they are off by ${off} USD.`,
    facts: [
      { name: 'Decisions', value: format.count(wheel.decisions) },
      { name: 'Trades', value: format.count(wheel.trades) },
      { name: 'Realised', value: `${format.usd(realised)} USD` },
      { name: 'Funding received', value: `${format.usd(funding)} USD` },
      { name: 'Fees paid', value: `${format.usd(fees)} USD` },
      { name: 'Equity change', value: `${signed(equityChange)} USD` },
    ],
  }
}

/** What a reader of the scores must know about this run. */
function evaluationNotes({ evaluation }: ReportData): string[] {
  const notes: string[] = []
  for (const [model, score] of Object.entries(evaluation.models)) {
    const name = format.modelName(model)
    if (score.unanswered > 0) {
      const all = format.count(evaluation.samples)
      notes.push(
        `${name} left ${format.count(score.unanswered)} of ${all} hours unanswered; it is scored on the others.`,
      )
    }
    if (score.collapsed) notes.push(`${name} gives some regime less than 2 % of its answers: it has collapsed.`)
  }
  return notes
}

function dataNotes({ dataset }: ReportData): string[] {
  const sum = (field: 'gapHours' | 'fundingMissing') => dataset.perCoin.reduce((total, coin) => total + coin[field], 0)
  const share = dataset.classShare
  return [
    `${format.count(dataset.bars)} hourly bars of ${dataset.perCoin.length} coins gave ${format.count(dataset.windows)} ` +
      `labelled windows: chop ${format.share(share.chop)}, trend ${format.share(share.trend)}, reversal ` +
      `${format.share(share.reversal)}.`,
    `${format.count(sum('gapHours'))} hours are absent and ${format.count(sum('fundingMissing'))} have no funding. ` +
      'Nothing was filled in.',
  ]
}

function inferenceFacts({ inference }: ReportData): Fact[] {
  const { windows, seconds } = inference
  const served = Object.entries(inference.servedBy).map(([model, n]) => `${format.modelName(model)} ${format.count(n)}`)
  return [
    { name: 'Broker', value: inference.broker },
    { name: 'Worker processes', value: format.count(inference.workers) },
    { name: 'Jobs', value: format.count(inference.jobs) },
    { name: 'Windows', value: format.count(windows) },
    { name: 'Time', value: `${format.duration(seconds)}, ${format.count(windows / seconds)} windows a second` },
    { name: 'Served by', value: served.join(', ') || 'nobody' },
    ...(inference.why ? [{ name: 'Why this version', value: inference.why }] : []),
  ]
}

function trainingFacts({ training: { cde, hmm } }: ReportData): Fact[] {
  const setting = ([name, value]: [string, string | number | boolean]) =>
    `${name} ${typeof value === 'number' ? Number(value.toPrecision(6)).toLocaleString('en-US') : value}`
  return [
    {
      name: 'Neural CDE',
      value: `${cde.epochs.length} epochs in ${format.duration(cde.seconds)}, epoch ${cde.bestEpoch} kept`,
    },
    { name: 'HMM', value: Object.entries(hmm).map(setting).join(', ') || '–' },
  ]
}

/** What the numbers cannot carry. */
function limits({ evaluation, testFrom, range, source }: ReportData): string[] {
  const days = Math.round((range.to - testFrom) / 86_400_000)
  return [
    'The label is centred: half of it lies after the hour it belongs to. A score says how well a model recognises ' +
      'what the market is doing, not how well it foresees what comes next.',
    `There is one test period, ${days} days long. Labels of neighbouring hours share most of their prices and coins ` +
      `move together, so ${format.count(evaluation.samples)} scored hours are worth far fewer independent ones.`,
    'The intervals of the leads speak of other periods like this one. Another seed moves each model, and other periods ' +
      'move them more: `evaluate` trains on several of both.',
    'The wheel trades on a paper exchange whose depth is a model of hourly volume and volatility, not a book; its result ' +
      'over so short a time says little about the next one: `backtest` turns it over all history.',
    ...(source === 'simulated' || evaluation.optimum
      ? ['The market was simulated. Its result shows that the machinery works, not that a real market can be read.']
      : []),
  ]
}
