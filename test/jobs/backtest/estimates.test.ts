import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { allocateBars, type Bars, HOUR } from '#data/bars.ts'
import type { Progress } from '#data/progress.ts'
import { createRandom } from '#data/random.ts'
import { windowRows } from '#data/windows.ts'
import { championEstimates, noEstimates } from '#jobs/backtest/champion-estimates.ts'
import {
  type BacktestEstimates,
  type EstimateKind,
  type EstimateMarkets,
  type WalkForwardEstimateOptions,
  walkForwardEstimates,
} from '#jobs/backtest/estimates.ts'
import { openRegistry } from '#models/registry.ts'
import { checkEstimates, type EstimateSeries } from '#src/estimates.ts'
import { buildMarkets } from '#training/dataset.ts'
import { TrainingOptions } from '#training/options.ts'
import { temporaryFolder, workingVersion } from '../../models/versions.ts'
import { prepared, TINY } from '../../training/simulated.ts'

/** Answers of each kind over the range, made once. */
const known = new Map<EstimateKind, Promise<BacktestEstimates>>()
const answersOf = (kind: EstimateKind) => {
  if (!known.has(kind)) known.set(kind, walkForwardEstimates(markets, wanted(kind), undefined))
  return known.get(kind)!
}

let markets: EstimateMarkets
let from: number
beforeAll(async () => {
  const { markets: all, label, range } = await prepared()
  markets = { markets: all, coins: all.map(({ bars }) => bars.coin), label, range }
  from = range.from + 16 * 24 * HOUR
})

const wanted = (kind: EstimateKind, change: Partial<WalkForwardEstimateOptions> = {}): WalkForwardEstimateOptions => ({
  kind,
  range: { from, to: from + 15 * 24 * HOUR },
  everyDays: 6,
  historyDays: 12,
  training: TINY,
  seed: 1,
  threads: 1,
  ...change,
})

/** The same market with other prices in every hour that is known after `time`. */
function rewritten(bars: Bars, time: number, seed: number): Bars {
  const copy = allocateBars(bars.coin, bars.openTime.length)
  const random = createRandom(seed).fork(bars.coin)
  for (const column of ['openTime', 'open', 'high', 'low', 'close', 'volume', 'funding', 'openInterest'] as const) {
    copy[column].set(bars[column])
  }
  for (let row = 0; row < bars.openTime.length; row++) {
    if (bars.openTime[row] + HOUR <= time) continue
    const factor = Math.exp(0.03 * random.normal())
    for (const column of ['open', 'high', 'low', 'close'] as const) copy[column][row] *= factor
    copy.volume[row] *= Math.exp(random.normal())
    copy.funding[row] += 1e-4 * random.normal()
  }
  return copy
}

const changedAfter = (time: number, seed: number): EstimateMarkets => ({
  ...markets,
  markets: buildMarkets(markets.markets.map(({ bars }) => rewritten(bars, time, seed))),
})

/** Answers known at a time, and how many. */
function upTo({ asOf, probabilities }: EstimateSeries, time: number) {
  const rows = asOf.filter((each) => each <= time).length
  return { rows, probabilities: probabilities.slice(0, 3 * rows) }
}

describe('walkForwardEstimates', () => {
  it.each(['cde', 'hmm', 'rule'] as const)('answers every hour that has a window, of every coin: %s', async (kind) => {
    const { range } = wanted(kind)
    const { estimates, words, degradations } = await answersOf(kind)
    expect([...estimates.keys()]).toEqual(markets.coins)
    for (const { bars, features } of markets.markets) {
      const series = estimates.get(bars.coin)!
      checkEstimates(bars.coin, series)
      const rows = [...windowRows(features, 24)].map((row) => features.asOf[row])
      expect([...series.asOf]).toEqual(rows.filter((asOf) => asOf >= range.from && asOf < range.to))
      for (let i = 0; i < series.asOf.length; i++) {
        const [a, b, c] = series.probabilities.subarray(3 * i, 3 * i + 3)
        expect(a + b + c).toBeCloseTo(1, 4)
      }
    }
    expect(words).toContain('3 models')
    expect(degradations).toEqual([])
  })

  it.each(['cde', 'hmm', 'rule'] as const)('is not changed by anything that becomes known later: %s', async (kind) => {
    const before = await answersOf(kind)
    // Among the moments is the beginning of a block: then all that the block was fitted to is unchanged, and no more.
    const moments = fc.constantFrom(6 * 24, 6 * 24 + 17, 12 * 24).map((hours) => from + hours * HOUR)
    await fc.assert(
      fc.asyncProperty(moments, fc.integer({ min: 0, max: 1e6 }), async (time, seed) => {
        const after = await walkForwardEstimates(changedAfter(time, seed), wanted(kind), undefined)
        for (const coin of markets.coins) {
          const [first, second] = [before.estimates.get(coin)!, after.estimates.get(coin)!]
          expect(upTo(second, time)).toEqual(upTo(first, time))
          expect(upTo(first, time).rows).toBeGreaterThan(0)
          expect(second).not.toEqual(first)
        }
      }),
      // Threads take their time to start.
      { numRuns: 1 },
    )
  })

  it('says what it does not answer: hours with too little before them, and coins without a whole window', async () => {
    const { degradations, estimates } = await walkForwardEstimates(
      markets,
      wanted('rule', { range: { from: markets.range.from, to: from + 24 * HOUR } }),
      undefined,
    )
    const first = markets.range.from + 12 * 24 * HOUR
    for (const { asOf } of estimates.values()) expect(asOf[0]).toBe(first)
    expect(degradations).toEqual([
      expect.stringContaining('no estimates before'),
      expect.stringMatching(/not every one of the 408 hours has an estimate .*BTC 120, PEPE 120$/),
    ])
  })

  it('lets the hidden Markov model answer where no neural CDE could be fitted, and says so', async () => {
    const training = TrainingOptions.parse({ ...TINY, cde: { ...TINY.cde, learningRate: 1e30, clipNorm: 1e30 } })
    const remarks: string[] = []
    const { estimates, degradations } = await walkForwardEstimates(markets, wanted('cde', { training }), undefined, {
      onRemark: (message) => remarks.push(message),
    })
    const markov = await answersOf('hmm')
    expect(estimates).toEqual(markov.estimates)
    expect(degradations).toHaveLength(3)
    expect(degradations[0]).toMatch(/could not be fitted .* hidden Markov model answers instead/)
    expect(remarks).toHaveLength(3)
  })

  it('fits and answers once, and only what is new where the range grows or a file is damaged', async () => {
    const directory = join(temporaryFolder(), 'backtests')
    const run = async (change: Partial<WalkForwardEstimateOptions> = {}) => {
      const seen: Progress[] = []
      const remarks: string[] = []
      const result = await walkForwardEstimates(markets, wanted('hmm', change), directory, {
        progress: (progress) => seen.push(progress),
        onRemark: (message) => remarks.push(message),
      })
      const blocks = seen.filter(({ stage }) => stage === 'estimates').at(-1)!.total
      return { result, blocks, remarks }
    }
    const cold = await run()
    expect(cold.blocks).toBe(3)
    const warm = await run()
    expect(warm).toEqual({ ...cold, blocks: 0 })
    const longer = await run({ range: { from, to: from + 20 * 24 * HOUR } })
    // The third block was cut short by the range, and there is a fourth.
    expect(longer.blocks).toBe(2)
    expect((await run({ seed: 2 })).blocks).toBe(3)

    for (const name of readdirSync(directory).filter((file) => file.endsWith('.estimates'))) {
      const bytes = readFileSync(join(directory, name))
      bytes[bytes.length - 9] ^= 1
      writeFileSync(join(directory, name), bytes)
    }
    const repaired = await run()
    expect(repaired.result).toEqual(cold.result)
    expect(repaired.remarks).toHaveLength(3)
  })

  it('takes nothing from the cache that other bars have made', async () => {
    const directory = join(temporaryFolder(), 'backtests')
    const cached = (of: EstimateMarkets) => walkForwardEstimates(of, wanted('rule'), directory)
    expect(await cached(markets)).toEqual(await answersOf('rule'))
    // Bars before the second block change: what was fitted to them, and what they answer.
    const changed = changedAfter(from - 2 * 24 * HOUR, 5)
    expect(await cached(changed)).toEqual(await walkForwardEstimates(changed, wanted('rule'), undefined))
    // The past as it was: the first fit is there, whatever has come since.
    expect(await cached(markets)).toEqual(await answersOf('rule'))
  })

  it('stops when it is told to', async () => {
    const stopping = AbortSignal.abort(new Error('enough'))
    await expect(walkForwardEstimates(markets, wanted('hmm'), undefined, { signal: stopping })).rejects.toThrow(
      'enough',
    )
  })
})

describe('championEstimates', () => {
  it('asks one version for every hour, and says where that version has seen the answers', async () => {
    const models = temporaryFolder()
    const { range } = wanted('hmm')
    const ask = async (trainedTo: number) => {
      const data = { hash: 'abc', origin: 'csv:here', coins: ['BTC'], range: { from: 0, to: trainedTo } }
      const { id } = await openRegistry(models).save(workingVersion('hmm', 3, { data }))
      const version = { kind: 'hmm', id } as const
      const answer = await championEstimates(markets, { range, models, version, origin: 'csv:there' })
      expect(answer.words).toContain(id)
      return answer
    }
    const { estimates, degradations } = await ask(from)
    expect([...estimates.keys()]).toEqual(markets.coins)
    for (const [coin, series] of estimates) {
      checkEstimates(coin, series)
      expect(series.asOf).toHaveLength(15 * 24)
    }
    expect(degradations).toEqual([])
    expect((await ask(from + HOUR)).degradations).toEqual([expect.stringContaining('it has seen the answers')])
  })
})

describe('noEstimates', () => {
  it('is nothing at all', () => {
    expect(noEstimates().estimates.size).toBe(0)
  })
})
