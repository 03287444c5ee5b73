import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createRandom } from '#data/random.ts'
import { historyChart, sliceChart } from '#training/report/search/charts.ts'
import type { SearchPage } from '#training/report/search/data.ts'
import { conclusion } from '#training/report/search/page.ts'
import { writeSearchReport } from '#training/report/search/report.ts'
import { asFlags, asYaml } from '#training/report/search/settings.ts'
import { searchSignificance } from '#training/search/significance.ts'
import { searches } from '#training/search/spaces.ts'
import type { StudyTrial } from '#training/search/study.ts'
import { proposeEvenly } from '#training/search/tpe.ts'
import { bestTrial } from '#training/search/trial.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-search-page-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A search of `count` trials: every fifth pruned, trial 7 failed. */
function page(space: 'model' | 'wheel', count = 30): SearchPage {
  const { direction, objective, space: parameters } = searches[space]
  const random = createRandom(2)
  const trials = Array.from({ length: count }, (_, number): StudyTrial => {
    const shared = { number, parameters: proposeEvenly(parameters, random), seconds: 3 }
    const value = random.normal()
    const curve = space === 'model' ? [value + 1, value] : []
    if (number === 7) return { ...shared, state: 'failed', curve: [], reason: 'training diverged in epoch 1 <lower>' }
    if (number % 5 === 4)
      return { ...shared, state: 'pruned', curve: curve.slice(0, 1), reason: 'worse than the median' }
    const returns = Array.from({ length: 100 }, () => 1e-4 * (random.normal() + value))
    return { ...shared, state: 'complete', value, curve, ...(space === 'wheel' && { returns }) }
  })
  const best = bestTrial(trials, direction)!
  const period = { from: '2025-01-01T00:00:00.000Z', to: '2025-02-01T00:00:00.000Z' }
  return {
    name: 'spring',
    space,
    parameters,
    objective,
    direction,
    seed: 1,
    source: 'csv',
    origin: 'csv:data',
    coins: ['BTC'],
    pool: ['BTC', 'ETH'],
    train: period,
    validation: period,
    ...(space === 'wheel' && { version: { kind: 'cde', id: 'abc' } }),
    counts: {
      trials: count,
      complete: trials.filter(({ state }) => state === 'complete').length,
      pruned: 6,
      failed: 1,
    },
    best: { number: best.number, value: best.value!, settings: best.parameters, figures: {} },
    inForce: { value: trials[0].value! },
    significance: searchSignificance(best, trials),
    trials: trials.map(({ returns: _, ...trial }) => trial),
    begun: period.from,
    opened: 2,
    seconds: 90,
    generated: period.to,
  }
}

const points = (chart: ReturnType<typeof historyChart>, name: string) =>
  (chart.option.series as { name: string; data: [number, number][] }[])
    .filter((series) => series.name === name)
    .flatMap(({ data }) => data)

describe('the report of a search', () => {
  it.each(['model', 'wheel'] as const)('is one page that loads nothing from elsewhere: %s', async (space) => {
    const data = page(space)
    const html = readFileSync(await writeSearchReport(data, join(folder, space)), 'utf8')
    expect(html).not.toMatch(/<script|<link[^>]+href="http|src="http|undefined|NaN/)
    expect(html).toContain('training diverged in epoch 1 &lt;lower&gt;')
    expect(html.match(/<svg/g)).toHaveLength(2)
    for (const name of Object.keys(data.best.settings)) expect(html).toContain(name)
    expect(html.includes('Deflated Sharpe ratio')).toBe(space === 'wheel')
    expect(JSON.parse(readFileSync(join(folder, space, 'search.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(data)),
    )
  })

  it.each(['model', 'wheel'] as const)('draws every trial that came to something, and the best so far: %s', (space) => {
    const data = page(space)
    const chart = historyChart(data)
    expect(points(chart, 'Complete')).toHaveLength(data.counts.complete)
    expect(points(chart, 'Pruned')).toHaveLength(space === 'model' ? 6 : 0)
    const line = points(chart, 'Best so far').map(([, value]) => value)
    const sign = space === 'model' ? 1 : -1
    for (let i = 1; i < line.length; i++) expect(sign * line[i]).toBeLessThanOrEqual(sign * line[i - 1])
    expect(line.at(-1)).toBe(data.best.value)
  })

  it('draws a conditional setting only where it was there', () => {
    const data = page('model')
    const series = sliceChart(data).option.series as { name: string; xAxisIndex: number; data: unknown[] }[]
    const names = Object.keys(data.parameters)
    const drawn = (setting: string) =>
      series.find((each) => each.name === 'Complete' && each.xAxisIndex === names.indexOf(setting))!.data.length
    expect(drawn('training.architecture.width') + drawn('training.architecture.block')).toBe(data.counts.complete)
    expect(drawn('training.architecture.width')).toBeGreaterThan(0)
    expect(drawn('training.knots')).toBe(data.counts.complete)
  })

  it('says when nothing better was found, and when luck would have done as well', () => {
    const data = page('model')
    expect(conclusion(data)).toMatchObject({
      warning: false,
      sentence: expect.stringMatching(/better than the settings in force\.$/),
    })
    expect(conclusion({ ...data, best: { ...data.best, number: 0 } }).sentence).toMatch(/^Nothing better/)
    const wheel = page('wheel')
    const with_ = (deflated: number): SearchPage => ({
      ...wheel,
      significance: { deflatedSharpe: { ...wheel.significance!.deflatedSharpe, deflated } },
    })
    expect(conclusion(with_(0.5))).toMatchObject({
      warning: true,
      sentence: expect.stringMatching(/finds that in noise/),
    })
    expect(conclusion(with_(0.97)).warning).toBe(false)
  })

  it('gives settings that the configuration reads', () => {
    const settings = {
      'training.knots': 16,
      'training.cde.dropout': 0.123456,
      'training.architecture.encoder': 'linear',
    }
    expect(asFlags(settings).split(' \\\n')).toEqual([
      '--set training.knots=16',
      '--set training.cde.dropout=0.1235',
      '--set training.architecture.encoder=linear',
    ])
    expect(parse(asYaml(settings))).toEqual({
      training: { knots: 16, cde: { dropout: 0.1235 }, architecture: { encoder: 'linear' } },
    })
  })
})
