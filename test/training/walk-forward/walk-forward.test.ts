import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Progress } from '#data/progress.ts'
import { REGIMES } from '#models/regime.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { writeEvaluationReport } from '#training/report/evaluation/report.ts'
import { CONTESTANTS } from '#training/walk-forward/contestants.ts'
import type { WalkForward } from '#training/walk-forward/result.ts'
import { type WalkForwardSettings, walkForward } from '#training/walk-forward/walk-forward.ts'
import { temporaryFolder } from '../../models/versions.ts'
import { prepared, REQUEST, TINY } from '../simulated.ts'
import { SMALL } from './small.ts'

const cache = temporaryFolder()
const settings: WalkForwardSettings = { training: TINY, evaluation: SMALL, seed: 1, cache }
const progress: Progress[] = []

let dataset: PreparedDataset
let result: WalkForward
beforeAll(async () => {
  dataset = await prepared()
  result = await walkForward(dataset, settings, { progress: (step) => progress.push(step) })
}, 120_000)

describe('a walk-forward evaluation', () => {
  it('fits every contestant in every fold, the seeded ones with every seed', () => {
    expect(result.folds.map(({ fold }) => fold)).toEqual([1, 2])
    expect(result.seeds).toEqual([1, 2])
    for (const contestant of CONTESTANTS) {
      const seeds = ['logistic', 'rule', 'gru'].includes(contestant) ? 1 : 2
      const { fits } = result.contestants[contestant]
      expect(fits.map(({ fold, seed }) => [fold, seed])).toEqual(
        [1, 2].flatMap((fold) => Array.from({ length: seeds }, (_, s) => [fold, s + 1])),
      )
    }
    expect(result.fits).toEqual({ done: result.fits.done, fromCache: 0, failed: [] })
    expect(progress.filter(({ stage }) => stage === 'fits').at(-1)).toMatchObject({ done: result.fits.done })
    expect(progress.at(-1)).toMatchObject({ stage: 'evaluate', done: 5, total: 5 })
  })

  it('means what it says: means over folds and seeds, per fold, per coin, the last fold alone', () => {
    const { fits, all, last, folds, coins } = result.contestants.cde
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const of = (fold: number) => fits.filter((fit) => fit.fold === fold).map(({ macroF1 }) => macroF1)
    expect(all.macroF1.mean).toBeCloseTo(mean(fits.map(({ macroF1 }) => macroF1)), 12)
    expect(last.macroF1.mean).toBeCloseTo(mean(of(2)), 12)
    expect(folds.map(({ metrics }) => metrics.macroF1.mean)).toEqual([mean(of(1)), mean(of(2))])
    expect(coins.BTC.all.mean).toBeCloseTo(mean(fits.map((fit) => fit.coins.BTC)), 12)
    expect(Object.keys(coins)).toEqual(['BTC'])
    const winner = result.winners.BTC.last
    for (const contestant of CONTESTANTS) {
      const scores = result.contestants
      expect(scores[contestant].coins.BTC.last.mean).toBeLessThanOrEqual(scores[winner as 'cde'].coins.BTC.last.mean)
    }
  })

  it('shows the chosen field as the contestant that it is', () => {
    for (const [k, { chosen }] of result.fieldChoice.entries()) {
      expect(result.contestants.chosen.folds[k]).toEqual(result.contestants[chosen].folds[k])
    }
    expect(result.verdict.field).toBe(result.fieldChoice.at(-1)?.chosen)
  })

  it('compares candidates with rule, logistic and HMM, over the last fold and over all', () => {
    const of = (first: string, second: string, over: string) =>
      result.differences.find((row) => row.first === first && row.second === second && row.over === over)
    const lead = of('chosen', 'hmm', 'all')
    expect(lead).toBeDefined()
    const last = of('cde', 'rule', 'last')
    const { cde, rule } = result.contestants
    expect(last?.difference).toBeCloseTo(cde.last.macroF1.mean - rule.last.macroF1.mean, 9)
    expect(of('hmm', 'hmm', 'all')).toBeUndefined()
    expect(result.differences.map(({ over }) => over)).toContain('last')
  })

  it('tests what follows, what the forecast label makes of it, and what is robust', () => {
    expect(result.forward).toHaveLength(CONTESTANTS.length * 2)
    expect(result.forecast.trained.map(({ contestant, fold }) => [contestant, fold])).toEqual([
      ['logistic', 1],
      ['logistic', 2],
      ['cde', 2],
    ])
    for (const { chance, skill } of result.forecast.trained) {
      expect(chance).toBeGreaterThan(0.2)
      expect(chance).toBeLessThan(0.45)
      expect(skill).toBeLessThan(0.5)
    }
    const { lostKnots, lostShares, untrainedCoins, novelty } = result.robustness
    expect(lostKnots.map(({ contestant }) => contestant)).toEqual([...CONTESTANTS])
    const rule = lostKnots.find(({ contestant }) => contestant === 'rule')
    expect(new Set(rule?.macroF1).size).toBe(1)
    const cde = lostKnots.find(({ contestant }) => contestant === 'cde')
    expect(cde?.macroF1).toHaveLength(lostShares.length)
    expect(cde?.macroF1[0]).toBeCloseTo(result.contestants.cde.fits[2].macroF1, 12)
    expect(cde?.macroF1[3]).not.toBe(cde?.macroF1[0])
    expect(untrainedCoins.map(({ coin }) => coin)).toEqual(['BTC'])
    const shares = Object.fromEntries((novelty?.checks ?? []).map(({ data, share }) => [data, share]))
    expect(shares['training part']).toBeCloseTo(0.01, 2)
    expect(shares['volatility tripled']).toBeGreaterThan(0.2)
  })

  it('judges CDE and HMM by gates with figures', () => {
    const { gates, sentence, ship } = result.verdict
    expect(gates.filter(({ candidate }) => candidate === 'cde')).toHaveLength(10)
    expect(gates.filter(({ candidate }) => candidate === 'hmm')).toHaveLength(9)
    expect(sentence).toContain('2 walk-forward folds, 2 seeds')
    const passes = (kind: string) => gates.every(({ candidate, passed }) => candidate !== kind || passed)
    expect(ship).toBe(passes('cde') ? 'cde' : passes('hmm') ? 'hmm' : 'none')
    // Aims are for the eight core coins.
    expect(result.aims).toBeUndefined()
  })

  it('goes on from the fits that are kept, with the same result', async () => {
    const again = await walkForward(dataset, settings)
    expect(again.fits.fromCache).toBe(again.fits.done)
    const { fits: _, ...rest } = again
    const { fits: __, ...first } = result
    expect(rest).toEqual(first)
  })

  it('is not changed in its first fold by the labels of later ones', async () => {
    const { from } = result.folds[1].test
    const markets = dataset.markets.map((market) => ({
      ...market,
      labels: market.labels.map((label, row) =>
        label < REGIMES.length && market.features.asOf[row] >= from ? (label + 1) % 3 : label,
      ),
    }))
    const { cache: _, ...uncached } = settings
    const later = await walkForward({ ...dataset, markets }, uncached)
    for (const contestant of CONTESTANTS) {
      const firstFold = ({ contestants }: WalkForward) => contestants[contestant].fits.filter(({ fold }) => fold === 1)
      expect(firstFold(later)).toEqual(firstFold(result))
      // What was fitted for the last fold, and what was found on its validation part, is the same too.
      const found = ({ contestants }: WalkForward) =>
        contestants[contestant].fits.map(({ temperature, bias, validationLogLoss }) => [
          temperature,
          bias,
          validationLogLoss,
        ])
      expect(found(later)).toEqual(found(result))
    }
    expect(later.fieldChoice).toEqual(result.fieldChoice)
    expect(later.contestants.rule.last.macroF1.mean).not.toBe(result.contestants.rule.last.macroF1.mean)
  }, 60_000)

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(walkForward(dataset, settings, { signal })).rejects.toThrow('enough')
  })
})

describe('the page on an evaluation', () => {
  it('begins with the verdict and has every table, also as CSV, and every picture', async () => {
    const { coins, range, origin, markets } = dataset
    const pool = markets.map(({ bars }) => bars.coin)
    const directory = temporaryFolder()
    const about = {
      generatedAt: Date.UTC(2026, 0, 5),
      source: REQUEST.source.source,
      origin,
      coins,
      pool,
      range,
      seed: 1,
    }
    const { html, json } = await writeEvaluationReport({ ...about, walkForward: result }, directory)
    const page = await readFile(html, 'utf8')
    expect(page).toMatch(/class="verdict (ship|none)">Ship/)
    for (const { detail } of result.verdict.gates) expect(page).toContain(detail.replaceAll("'", '&#39;'))
    for (const name of ['gates', 'models', 'differences', 'forward', 'lostknots', 'novelty', 'folds']) {
      expect(existsSync(`${directory}/${name}.csv`), name).toBe(true)
    }
    expect(page.match(/<svg/g)).toHaveLength(13)
    expect(page).not.toMatch(/NaN|undefined/)
    expect(JSON.parse(await readFile(json, 'utf8')).walkForward.verdict.ship).toBe(result.verdict.ship)
  })
})
