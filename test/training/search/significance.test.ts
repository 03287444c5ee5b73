import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { searchSignificance } from '#training/search/significance.ts'
import type { StudyTrial } from '#training/search/study.ts'

const HOURS = 640

/** Trials of noise; the last earns `gain` deviations an hour besides. */
function trials(count: number, gain: number): StudyTrial[] {
  return Array.from({ length: count }, (_, number) => {
    const random = createRandom(number)
    const drift = number === count - 1 ? gain : 0
    const returns = Array.from({ length: HOURS }, () => 1e-3 * (random.normal() + drift))
    return { number, state: 'complete', parameters: {}, value: drift, curve: [], returns }
  })
}

describe('the significance of a search', () => {
  it('believes a strong trial among few, and no best one of noise', () => {
    const strong = trials(10, 0.4)
    expect(searchSignificance(strong[9], strong)!.deflatedSharpe.deflated).toBeGreaterThan(0.99)
    expect(searchSignificance(strong[9], strong)!.overfitting!.probability).toBeLessThan(0.05)
    const noise = trials(30, 0)
    const sum = ({ returns }: StudyTrial) => returns!.reduce((total, value) => total + value, 0)
    const luckiest = noise.toSorted((a, b) => sum(b) - sum(a))[0]
    const { deflatedSharpe, overfitting } = searchSignificance(luckiest, noise)!
    expect(deflatedSharpe.probabilistic).toBeGreaterThan(0.95)
    expect(deflatedSharpe.deflated).toBeLessThan(0.95)
    expect(overfitting!.probability).toBeGreaterThan(0.3)
  })

  it('counts every trial, also those that failed or never traded', () => {
    const some = trials(5, 0.1)
    const idle: StudyTrial = { number: 5, state: 'pruned', parameters: {}, curve: [], returns: Array(HOURS).fill(0) }
    const failed: StudyTrial = { number: 6, state: 'failed', parameters: {}, curve: [] }
    const { deflatedSharpe, overfitting } = searchSignificance(some[4], [...some, idle, failed])!
    expect(deflatedSharpe.trials).toBe(7)
    expect(overfitting!.trials).toBe(6)
    expect(deflatedSharpe.deflated).toBeLessThan(searchSignificance(some[4], some)!.deflatedSharpe.deflated)
  })

  it('says nothing of a search without returns, and no overfitting of one trial', () => {
    expect(searchSignificance({ number: 0, state: 'complete', parameters: {}, curve: [] }, [])).toBeUndefined()
    const [one] = trials(1, 0.2)
    expect(searchSignificance(one, [one])!.overfitting).toBeUndefined()
  })
})
