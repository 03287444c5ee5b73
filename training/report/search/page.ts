import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Eta } from 'eta'
import type { Chart } from '../charts/render.ts'
import * as format from '../format.ts'
import type { SearchPage } from './data.ts'
import { asFlags, asYaml, brief } from './settings.ts'

interface Cell {
  readonly text: string
  readonly kind: 'n' | 't' | 'long'
}

const REPORT_FOLDER = join(import.meta.dirname, '..')
/** A deflated Sharpe ratio from here on is more than a search of this size finds in noise. */
const HOURS_A_YEAR = 365 * 24
const CONVINCING = 0.95
const LONG = 24

/** One self-contained HTML page on a search, in the look of the run's report. */
export function renderSearchPage(page: SearchPage, charts: readonly Chart[]): string {
  const eta = new Eta({ views: REPORT_FOLDER, autoEscape: true, cache: true })
  return eta.render('./search/page', {
    style: readFileSync(join(REPORT_FOLDER, 'page.css'), 'utf8'),
    title: `millrace: search ${page.name}`,
    heading: `Search report, ${page.name}`,
    ...conclusion(page),
    cards: cards(page),
    facts: facts(page),
    settings: settingsTable(page),
    flags: asFlags(page.best.settings),
    yaml: asYaml(page.best.settings),
    charts,
    trials: trialsTable(page),
    limits: limits(page),
  })
}

/** What came of the search, in a sentence. */
export function conclusion({ best, inForce, objective, significance, direction, counts }: SearchPage) {
  const found = `Trial ${best.number} of ${counts.trials} is best: ${objective} ${format.score(best.value)}`
  if (best.number === 0 && inForce) {
    return {
      sentence: `Nothing better than the settings in force was found in ${counts.trials} trials.`,
      warning: true,
    }
  }
  const sign = direction === 'minimise' ? -1 : 1
  const gain = inForce?.value == null ? undefined : sign * (best.value - inForce.value)
  const against = gain === undefined ? '' : `, ${format.score(gain)} better than the settings in force`
  if (!significance) return { sentence: `${found}${against}.`, warning: false }
  const { deflated } = significance.deflatedSharpe
  if (deflated >= CONVINCING) return { sentence: `${found}${against}.`, warning: false }
  const doubt = Number.isNaN(deflated)
    ? 'whether it is more than luck cannot be told'
    : 'a search of this size finds that in noise'
  return { sentence: `${found}${against}, but ${doubt}.`, warning: true }
}

function cards({ best, inForce, counts, significance }: SearchPage) {
  const { trials, complete, pruned, failed } = counts
  const ended = [`${complete} complete`, `${pruned} pruned`, ...(failed > 0 ? [`${failed} failed`] : [])].join(', ')
  const value = inForce?.value
  return [
    { name: 'Best', value: format.score(best.value), detail: `trial ${best.number}`, best: true },
    ...(inForce
      ? [{ name: 'Settings in force', value: value == null ? '–' : format.score(value), detail: 'trial 0' }]
      : []),
    { name: 'Trials', value: format.count(trials), detail: ended },
    ...(significance
      ? [
          {
            name: 'Deflated Sharpe ratio',
            value: format.score(significance.deflatedSharpe.deflated),
            detail: `chance of skill, of ${trials} trials`,
          },
        ]
      : []),
    ...(significance?.overfitting
      ? [
          {
            name: 'Probability of overfitting',
            value: format.score(significance.overfitting.probability),
            detail: '0.5 is pure luck',
          },
        ]
      : []),
    ...(significance?.selection
      ? [
          {
            name: 'Chosen by the past',
            value: format.score(significance.selection.sharpe * Math.sqrt(HOURS_A_YEAR)),
            detail: 'Sharpe ratio a year of the best trial so far, block after block',
          },
        ]
      : []),
  ]
}

function facts(page: SearchPage) {
  const day = (text: string) => format.utcMinute(Date.parse(text))
  return [
    { name: 'Objective', value: page.objective },
    { name: 'Source', value: `${page.source} (${page.origin})` },
    ...(page.walkForward
      ? [
          { name: 'Coins', value: page.coins.join(', ') },
          { name: 'Regimes by', value: page.walkForward },
        ]
      : page.version
        ? [
            { name: 'Coins', value: page.coins.join(', ') },
            { name: 'Regimes by', value: `${page.version.kind} ${page.version.id}` },
          ]
        : [
            { name: 'Trained on', value: `${page.pool.length} coins: ${page.pool.join(', ')}` },
            { name: 'Training', value: `${day(page.train.from)} to ${day(page.train.to)}` },
          ]),
    {
      name: page.walkForward ? 'Walk-forward over' : 'Validation',
      value: `${day(page.validation.from)} to ${day(page.validation.to)}`,
    },
    { name: 'Sampler', value: `tree-structured Parzen estimator${page.space === 'wheel' ? '' : ', median pruning'}` },
    { name: 'Seed', value: String(page.seed) },
    { name: 'Time in trials', value: format.duration(page.seconds) },
    { name: 'Begun', value: `${day(page.begun)}, in ${page.opened} ${page.opened === 1 ? 'run' : 'runs'}` },
  ]
}

const cell = (text: string): Cell => ({ text, kind: text.length > LONG ? 'long' : 't' })
const number = (text: string): Cell => ({ text, kind: 'n' })

function settingsTable({ best, parameters, inForce, trials }: SearchPage) {
  const before = inForce && trials[0].parameters
  const rows = Object.entries(best.settings).map(([name, value]) => {
    const parameter = parameters[name]
    const range =
      parameter.kind === 'categorical'
        ? parameter.choices.join(', ')
        : `${brief(parameter.low)} to ${brief(parameter.high)}${parameter.log ? ', logarithmic' : ''}`
    const was = before?.[name]
    return [
      cell(name),
      number(brief(value)),
      ...(before ? [number(was === undefined ? '–' : brief(was))] : []),
      cell(range),
    ]
  })
  const head = [cell('setting'), number('best'), ...(before ? [number('in force')] : []), cell('searched')]
  return { caption: 'The best trial beside what is in force', head, body: rows }
}

function trialsTable({ trials, objective }: SearchPage) {
  return {
    caption: 'Every trial, in the order in which they began',
    head: [
      number('trial'),
      cell('state'),
      number(objective),
      number('steps'),
      number('seconds'),
      cell('remark'),
      cell('settings'),
    ],
    body: trials.map(({ number: n, state, value, curve, seconds, reason, parameters }) => [
      number(String(n)),
      cell(state),
      number(value === undefined ? '–' : format.score(value)),
      number(curve.length === 0 ? '–' : String(curve.length)),
      number(seconds === undefined ? '–' : format.decimal(seconds)),
      cell(reason ?? '–'),
      cell(shortSettings(parameters)),
    ]),
  }
}

function shortSettings(parameters: SearchPage['best']['settings']): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name.split('.').at(-1)} ${brief(value)}`)
    .join(', ')
}

function limits({ space, walkForward, counts, significance }: SearchPage): string[] {
  const judged = walkForward ? 'history before the test period' : 'the validation period'
  const shared = [
    `Trials were judged on ${judged} alone; the test period was never read. The best of many is better there than it will be elsewhere: run evaluate on the test period once, with the settings that you choose.`,
  ]
  if (space !== 'wheel') {
    return [
      ...shared,
      'Each trial is one training with one seed: differences in the third decimal are within what another seed gives.',
      'The validation loss weighs the regimes equally and chose the epoch as well as the trial.',
    ]
  }
  return [
    ...shared,
    `The deflated Sharpe ratio allows for all ${counts.trials} trials as if they were independent, and takes hourly returns for independent too.`,
    walkForward
      ? 'Regimes were told by models that had not seen the hours they told; the settings of the wheel were chosen on all of them. What choosing by the past alone would have brought stands above.'
      : 'The model was itself chosen on the validation period: its estimates are better there than they will be elsewhere.',
    ...(significance?.overfitting ? [] : ['The probability of backtest overfitting needs two trials and 32 hours.']),
  ]
}
