import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError, ModelError } from '#data/errors.ts'
import { evaluate, type Samples } from '#training/evaluation.ts'

const LABEL = [0, 1, 2, 0, 1, 2, 0, 0]
const samples: Samples = {
  coin: ['BTC', 'BTC', 'BTC', 'BTC', 'ETH', 'ETH', 'ETH', 'ETH'],
  asOf: Float64Array.from([1, 2, 3, 4, 1, 2, 3, 4], (hour) => hour * HOUR),
  label: Uint8Array.from(LABEL),
}

/** Rows that put `confidence` on the given class; -1 leaves the row unanswered. */
function sure(classes: number[], confidence = 0.8): Float32Array {
  const rest = (1 - confidence) / 2
  return Float32Array.from(
    classes.flatMap((k) =>
      k < 0 ? [Number.NaN, Number.NaN, Number.NaN] : [0, 1, 2].map((j) => (j === k ? confidence : rest)),
    ),
  )
}

describe('evaluate', () => {
  it('scores each model overall and per coin on the same samples', () => {
    const evaluation = evaluate({
      samples,
      predictions: [
        { model: 'cde', probabilities: sure(LABEL) },
        { model: 'rule', probabilities: sure([0, 1, 2, 0, 0, 0, 0, 0]) },
      ],
    })
    expect(evaluation.coins).toEqual(['BTC', 'ETH'])
    expect(evaluation.models.cde).toMatchObject({ answered: 8, unanswered: 0, accuracy: 1, macroF1: 1 })
    expect(evaluation.models.cde.confusion).toEqual([
      [4, 0, 0],
      [0, 2, 0],
      [0, 0, 2],
    ])
    expect(evaluation.models.rule.accuracy).toBe(0.75)
    expect(evaluation.models.rule.perCoin.ETH).toMatchObject({ n: 4, accuracy: 0.5 })
    expect(evaluation.labels.occupancy).toEqual({ chop: 0.5, trend: 0.25, reversal: 0.25 })
    expect(evaluation.winners.ETH).toMatchObject({ models: ['cde'], n: 4 })
  })

  it('states a tie instead of picking one', () => {
    const evaluation = evaluate({
      samples,
      predictions: [
        { model: 'cde', probabilities: sure([0, 1, 2, 0, 1, 2, 0, 0]) },
        { model: 'hmm', probabilities: sure([0, 1, 2, 0, 1, 2, 0, 0], 0.6) },
      ],
    })
    expect(evaluation.winners.BTC.models).toEqual(['cde', 'hmm'])
  })

  it('counts unanswered hours and scores the others', () => {
    const { models } = evaluate({
      samples,
      predictions: [{ model: 'hmm', probabilities: sure([0, 1, 2, 0, -1, -1, -1, 0]) }],
    })
    expect(models.hmm).toMatchObject({ answered: 5, unanswered: 3, accuracy: 1 })
    expect(models.hmm.perCoin.ETH.n).toBe(1)
  })

  it('compares coins on shared hours, so that a model cannot win by answering only easy ones', () => {
    const { winners } = evaluate({
      samples,
      predictions: [
        { model: 'shy', probabilities: sure([0, 1, -1, -1, 1, 2, 0, 0]) },
        { model: 'bold', probabilities: sure([0, 1, 2, 1, 1, 2, 0, 0]) },
      ],
    })
    expect(winners.BTC).toMatchObject({ models: ['shy', 'bold'], n: 2 })
  })

  it('has no winner where nobody answered', () => {
    const evaluation = evaluate({
      samples,
      predictions: [{ model: 'cde', probabilities: sure([-1, -1, -1, -1, -1, -1, -1, -1]) }],
    })
    expect(evaluation.winners.BTC).toEqual({ models: [], macroF1: Number.NaN, n: 0 })
    expect(evaluation.models.cde.accuracy).toBeNaN()
    expect(JSON.parse(JSON.stringify(evaluation)).models.cde.accuracy).toBeNull()
  })

  it('flags a model that has given up a regime', () => {
    const { models } = evaluate({
      samples,
      predictions: [
        { model: 'flat', probabilities: sure([0, 0, 0, 0, 0, 0, 0, 1]) },
        { model: 'alive', probabilities: sure(LABEL) },
      ],
    })
    expect(models.flat.collapsed).toBe(true)
    expect(models.alive.collapsed).toBe(false)
  })

  it('measures the distance to the best possible and to the true regimes when they are known', () => {
    const best = sure(LABEL, 0.9)
    const evaluation = evaluate({
      samples,
      predictions: [
        { model: 'equal', probabilities: best },
        { model: 'worse', probabilities: sure([0, 1, 2, 1, 0, 2, 0, 0], 0.6) },
      ],
      bestPossible: best,
      truth: Uint8Array.from([0, 0, 2, 0, 1, 2, 0, 0]),
    })
    expect(evaluation.optimum?.macroF1).toBe(1)
    expect(evaluation.models.equal.distance?.macroF1).toBe(0)
    expect(evaluation.models.equal.distance?.divergence).toBeCloseTo(0, 6)
    expect(evaluation.models.worse.distance?.macroF1).toBeGreaterThan(0)
    expect(evaluation.models.worse.distance?.logLoss).toBeGreaterThan(0)
    expect(evaluation.models.equal.againstTruth?.accuracy).toBe(0.875)
    expect(evaluate({ samples, predictions: [] }).optimum).toBeUndefined()
  })

  it.each([
    ['labels that are not regimes', { samples: { ...samples, label: new Uint8Array(8).fill(255) }, predictions: [] }],
    ['too few coins', { samples: { ...samples, coin: ['BTC'] }, predictions: [] }],
    ['too few probabilities', { samples, predictions: [{ model: 'cde', probabilities: new Float32Array(3) }] }],
    [
      'a model given twice',
      {
        samples,
        predictions: [
          { model: 'cde', probabilities: sure(LABEL) },
          { model: 'cde', probabilities: sure(LABEL) },
        ],
      },
    ],
  ])('refuses %s', (_, input) => {
    expect(() => evaluate(input)).toThrow(InputError)
  })

  it('refuses rows that are not distributions, naming model and row', () => {
    const probabilities = sure(LABEL)
    probabilities[3] = 0.4
    const input = { samples, predictions: [{ model: 'cde', probabilities }] }
    expect(() => evaluate(input)).toThrow(ModelError)
    expect(() => evaluate(input)).toThrow(/cde: row 1 is not a distribution/)
  })
})
