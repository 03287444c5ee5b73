import { describe, expect, it } from 'vitest'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { backtestOverfitting } from '#statistics/overfitting.ts'
import { farthest, peers } from './peers.ts'

describe.each(peers.overfitting)('overfitting against the definition written in numpy: $name', (reference) => {
  const { returns, trials, blocks, performance } = reference
  const answer = backtestOverfitting({ returns: Float64Array.from(returns), trials, blocks, performance })

  it('finds the same probability, loss, slope and ranks', () => {
    expect(answer.probability).toBeCloseTo(reference.probability, 10)
    expect(answer.probabilityOfLoss).toBeCloseTo(reference.probabilityOfLoss, 10)
    expect(answer.slope).toBeCloseTo(reference.slope, 8)
    expect(farthest(answer.logits.toSorted(), reference.logits)).toBeLessThan(1e-9)
    expect(answer).toMatchObject({ splits: reference.logits.length, periods: reference.periods })
  })
})

describe('the probability of backtest overfitting', () => {
  const draw = (seed: number, trials: number, periods: number, skill: (trial: number) => number) => {
    const random = createRandom(seed)
    return Float64Array.from({ length: trials * periods }, (_, i) => {
      return random.normal() + skill(Math.floor(i / periods))
    })
  }

  it('is about a half for luck, and near nothing where one trial has skill', () => {
    let luck = 0
    let skill = 0
    for (let seed = 0; seed < 40; seed++) {
      const input = { trials: 10, blocks: 8 }
      luck += backtestOverfitting({ ...input, returns: draw(seed, 10, 80, () => 0) }).probability / 40
      const returns = draw(seed, 10, 80, (trial) => (trial === 4 ? 1 : 0))
      skill += backtestOverfitting({ ...input, returns }).probability / 40
    }
    expect(luck).toBeGreaterThan(0.38)
    expect(luck).toBeLessThan(0.65)
    expect(skill).toBeLessThan(0.02)
  })

  it('takes all 12,870 splits of 16 blocks', () => {
    expect(backtestOverfitting({ returns: draw(1, 3, 32, () => 0), trials: 3 }).splits).toBe(12_870)
  })

  it('calls the choice among trials that are all the same overfitted: none is better than the median', () => {
    const one = draw(2, 1, 24, () => 0)
    const returns = Float64Array.of(...one, ...one, ...one)
    expect(backtestOverfitting({ returns, trials: 3, blocks: 4 })).toMatchObject({ probability: 1 })
  })

  it('gives a trial that never varies no advantage', () => {
    const returns = Float64Array.of(...draw(3, 1, 24, () => 1), ...new Float64Array(24).fill(0.1))
    expect(backtestOverfitting({ returns, trials: 2, blocks: 4 }).probability).toBe(0)
    const constant = new Float64Array(48).fill(0.1)
    expect(backtestOverfitting({ returns: constant, trials: 2, blocks: 4 })).toMatchObject({
      probability: 1,
      slope: Number.NaN,
    })
  })

  it('refuses what cannot be split or ranked', () => {
    const returns = draw(4, 2, 24, () => 0)
    const attempt = (change: object) => () => backtestOverfitting({ returns, trials: 2, blocks: 4, ...change })
    expect(attempt({ trials: 1 })).toThrow(InputError)
    expect(attempt({ trials: 5 })).toThrow(/48 returns for 5 trials/)
    expect(attempt({ blocks: 5 })).toThrow(/even number from 4 to 20/)
    expect(attempt({ blocks: 22 })).toThrow(InputError)
    expect(attempt({ blocks: 16 })).toThrow(/24 periods are too few for 16 blocks/)
    const holed = returns.slice()
    holed[25] = Number.NaN
    expect(attempt({ returns: holed })).toThrow(/trial 1 has no return in period 1/)
  })
})
