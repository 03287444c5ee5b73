import { describe, expect, test } from 'vitest'
import { createRandom } from '#data/random.ts'
import { fitHmm, type HmmTrainingSequence } from '#models/hmm/fit.ts'
import { hourlyRuns, trainingBlocks } from '#models/hmm/sequences.ts'
import { drawTwoStates } from './toy.ts'

const channels = ['first', 'second']
const observations = channels.map((channel) => ({ form: 'level', channel }) as const)
const options = { states: [2], observations, restarts: 2, covarianceType: 'diagonal' } as const

/** One coin whose two states are chop and trend. */
function coin(seed: number, rows = 600, missing = 0.05): HmmTrainingSequence {
  const drawn = drawTwoStates(seed, rows, missing)
  return { values: drawn.values, hours: Array.from({ length: rows }, (_, i) => i), labels: drawn.states }
}

describe('fitting an HMM regime model', () => {
  test('reads the states as the regimes that the labels say', async () => {
    const model = await fitHmm({ sequences: [coin(1), coin(2)], channels, options, random: createRandom(1) })
    expect(model.states).toBe(2)
    // State 0 speaks for chop, whichever way the search numbered it.
    expect(model.contingency[0]).toBeGreaterThan(0.9)
    expect(model.contingency[4]).toBeGreaterThan(0.9)
    expect(model.mean[0]).toBeLessThan(model.mean[2])
  })

  test('numbers its states alike, whatever the seed', async () => {
    const fits = await Promise.all(
      [1, 2, 3].map((seed) => fitHmm({ sequences: [coin(3)], channels, options, random: createRandom(seed) })),
    )
    for (const fit of fits) {
      fit.mean.forEach((value, i) => {
        expect(value).toBeCloseTo(fits[0].mean[i], 2)
      })
    }
  })

  test('the same seed gives the same model, to the last digit', async () => {
    const [a, b] = await Promise.all(
      [4, 4].map((seed) => fitHmm({ sequences: [coin(3)], channels, options, random: createRandom(seed) })),
    )
    expect(a).toEqual(b)
  })

  test('chooses the number of states by the information criterion', async () => {
    const model = await fitHmm({
      sequences: [coin(5, 2000)],
      channels,
      options: { ...options, states: [1, 2, 3] },
      random: createRandom(1),
    })
    expect(model.states).toBe(2)
    const best = Math.min(...model.selection.map(({ bic }) => bic))
    expect(model.selection.find(({ states }) => states === 2)?.bic).toBe(best)
  })

  test('keeps the best of its starts', async () => {
    const data = { sequences: [coin(5, 1500)], channels, random: createRandom(2) }
    const of = async (restarts: number) => {
      // Too brief to reach the same end from every start.
      const brief = { ...options, states: [6], restarts, briefIterations: 2, iterations: 0 }
      return (await fitHmm({ ...data, options: brief })).selection[0].logLikelihood
    }
    const likelihoods = [await of(1), await of(2), await of(4), await of(8)]
    expect(likelihoods).toEqual([...likelihoods].sort((a, b) => a - b))
    expect(likelihoods[3]).toBeGreaterThan(likelihoods[0])
    await expect(of(0)).rejects.toThrow('at least one start')
  })

  test('reads the states with the labels of their own hours, also after a gap', async () => {
    const whole = coin(1)
    const torn = { ...whole, hours: Array.from(whole.hours, (hour) => (hour < 250 ? hour : hour + 50)) }
    const model = await fitHmm({ sequences: [torn], channels, options, random: createRandom(1) })
    expect(model.contingency[0]).toBeGreaterThan(0.9)
    expect(model.contingency[4]).toBeGreaterThan(0.9)
  })

  test('survives JSON', async () => {
    const model = await fitHmm({ sequences: [coin(6)], channels, options, random: createRandom(1) })
    expect(JSON.parse(JSON.stringify(model))).toEqual(model)
  })

  test('reports progress up to its total', async () => {
    const seen: number[] = []
    let total = 0
    await fitHmm({
      sequences: [coin(7)],
      channels,
      options: { ...options, states: [2, 3] },
      random: createRandom(1),
      progress: (progress) => {
        seen.push(progress.done)
        total = progress.total
      },
    })
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => i + 1))
  })

  test('stops when its signal aborts', async () => {
    const signal = AbortSignal.abort(new Error('stopped'))
    const fit = fitHmm({ sequences: [coin(8)], channels, options, random: createRandom(1), signal })
    await expect(fit).rejects.toThrow('stopped')
  })

  test.each([
    ['no labels', { labels: new Uint8Array(600).fill(255) }, 'no labelled row'],
    ['no values', { values: new Float64Array(1200).fill(Number.NaN) }, 'missing in the whole training set'],
    ['rows that do not match', { hours: [1, 2] }, '2 hours, 600 labels'],
  ])('says what is wrong with %s', async (_, fault, message) => {
    const fit = fitHmm({ sequences: [{ ...coin(9), ...fault }], channels, options, random: createRandom(1) })
    await expect(fit).rejects.toThrow(message)
  })

  test.each(['full', 'diagonal'] as const)(
    'stays finite where channels repeat each other or hardly move (%s)',
    async (covarianceType) => {
      const whole = coin(10)
      const values = new Float64Array(600 * 3)
      for (let row = 0; row < 600; row++) {
        const first = whole.values[row * 2]
        values.set([first, 2 * first, row === 300 ? 1 : 0], row * 3)
      }
      const names = ['first', 'twice', 'still']
      const levels = names.map((channel) => ({ form: 'level', channel }) as const)
      const floors = { variance: 1e-3, probability: 1e-5 }
      const model = await fitHmm({
        sequences: [{ ...whole, values }],
        channels: names,
        options: { states: [3], observations: levels, covarianceType, restarts: 1, floors },
        random: createRandom(1),
      })
      for (const name of ['initial', 'transition', 'mean', 'covariance', 'contingency'] as const) {
        expect(model[name].every(Number.isFinite), name).toBe(true)
      }
      const width = covarianceType === 'full' ? 9 : 3
      const variances = model.covariance.filter((_, at) => (covarianceType === 'full' ? (at % width) % 4 === 0 : true))
      expect(Math.min(...variances)).toBeGreaterThanOrEqual(floors.variance * (1 - 1e-9))
    },
  )

  test('refuses a channel with one value only, which no scale fits', async () => {
    const still = coin(9).values.map((value, at) => (at % 2 === 1 ? 1.25 : value))
    const fit = fitHmm({ sequences: [{ ...coin(9), values: still }], channels, options, random: createRandom(1) })
    await expect(fit).rejects.toThrow('feature "second" has one value only')
  })

  test('says which channel an observation lacks', async () => {
    const wrong = { ...options, observations: [{ form: 'magnitude', channel: 'return12' }] } as const
    const fit = fitHmm({ sequences: [coin(9)], channels, options: wrong, random: createRandom(1) })
    await expect(fit).rejects.toThrow('observes "return12"')
  })
})

describe('training sequences', () => {
  test('restart where an hour is absent and leave out rows that say nothing', () => {
    const values = Float64Array.of(Number.NaN, 1, 2, 3, Number.NaN, Number.NaN, 4)
    const runs = hourlyRuns(values, [0, 1, 2, 5, 6, 9, 10], 1)
    expect(runs.map(({ start, rows, values }) => [start, rows, ...values])).toEqual([
      [1, 2, 1, 2],
      [3, 1, 3],
      [6, 1, 4],
    ])
  })

  test('take no short run many times over for what runs before it could not give', () => {
    const values = new Float64Array(3000).fill(1)
    // A run of 240 rows is due too little for a block of its own; a run of 8 rows follows it.
    const hours = Array.from({ length: 3000 }, (_, i) => (i < 240 ? i : i < 248 ? i + 10 : i + 20))
    const blocks = trainingBlocks(hourlyRuns(values, hours, 1), 1400)
    const starts = blocks.map(({ start }) => start)
    expect(new Set(starts).size).toBe(starts.length)
    expect(Math.abs(blocks.reduce((sum, { rows }) => sum + rows, 0) - 1400)).toBeLessThanOrEqual(125)
  })

  test('catch up in a long run on what short ones could not give', () => {
    const values = new Float64Array(5000).fill(1)
    // Eight runs of 100 rows, each due 30, then one of 4,200.
    const hours = Array.from({ length: 5000 }, (_, i) => i + 10 * Math.min(8, Math.floor(i / 100)))
    const blocks = trainingBlocks(hourlyRuns(values, hours, 1), 1500)
    const rows = blocks.reduce((sum, block) => sum + block.rows, 0)
    expect(Math.abs(rows - 1500)).toBeLessThanOrEqual(125)
    expect(blocks.filter(({ start }) => start < 800).length).toBeGreaterThan(0)
  })

  test('are capped by blocks that reach from the first row to the last', () => {
    const rows = 5000
    const [run] = hourlyRuns(
      new Float64Array(rows).fill(1),
      Array.from({ length: rows }, (_, i) => i),
      1,
    )
    const blocks = trainingBlocks([run], 1500)
    expect(blocks.reduce((sum, block) => sum + block.rows, 0)).toBe(1500)
    expect(blocks[0].start).toBe(0)
    expect(blocks.at(-1)!.start + blocks.at(-1)!.rows).toBe(rows)
    expect(trainingBlocks([run], rows)).toEqual([run])
  })
})
