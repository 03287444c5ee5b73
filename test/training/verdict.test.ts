import { describe, expect, it } from 'vitest'
import { verdict } from '#training/verdict.ts'
import { scored } from './scored.ts'

const baselines = { rule: { macroF1: 0.5 }, linear: { macroF1: 0.52 } }

describe('verdict', () => {
  it('ships the neural CDE where it passes every gate, and says how far one test period carries', () => {
    const result = verdict(scored({ cde: { macroF1: 0.55 }, hmm: { macroF1: 0.4 }, ...baselines }))
    expect(result.ship).toBe('cde')
    expect(result.fallback).toBeUndefined()
    expect(result.sentence).toContain('Ship the neural CDE (0.550): it passes all 6 gates.')
    expect(result.sentence).toContain('HMM (0.400) fails')
    expect(result.sentence).toContain('One test period and one seed')
  })

  it('ships the HMM where it is no worse than the neural CDE', () => {
    expect(verdict(scored({ cde: { macroF1: 0.55 }, hmm: { macroF1: 0.55 }, ...baselines })).ship).toBe('hmm')
  })

  it('lets the HMM stand by where both pass', () => {
    const result = verdict(scored({ cde: { macroF1: 0.56 }, hmm: { macroF1: 0.54 }, ...baselines }))
    expect(result).toMatchObject({ ship: 'cde', fallback: 'hmm' })
  })

  it.each([
    ['the interval over the rule reaches zero', { cde: { macroF1: 0.53 }, ...baselines }, 'hand rule +0.030', 0.031],
    ['the linear model is as good', { cde: { macroF1: 0.524 }, ...baselines }, 'logistic regression +0.004', 0.01],
    [
      'a regime was given up',
      { cde: { macroF1: 0.6, occupancy: { chop: 0.6, trend: 0.35, reversal: 0.05 } }, ...baselines },
      'rarest regime in 5.0 %',
      0.01,
    ],
    ['hours were left unanswered', { cde: { macroF1: 0.6, unanswered: 3 }, ...baselines }, '3 hours unanswered', 0.01],
    ['it flips too often', { cde: { macroF1: 0.6, churnPerDay: 9 }, ...baselines }, '3.60 times', 0.01],
    [
      'it is not calibrated',
      { cde: { macroF1: 0.6, calibrated: { temperature: 1, ece: 0.2, logLoss: 1, skill: 0.1 } }, ...baselines },
      'calibration error 0.200',
      0.01,
    ],
    ['no baseline was measured', { cde: { macroF1: 0.6 } }, 'a baseline to compare with was not measured', 0.01],
    ['nobody answered', { cde: { answered: 0, macroF1: Number.NaN }, ...baselines }, 'Neither CDE nor HMM', 0.01],
  ])('ships none when %s', (_, models, reason, half) => {
    const result = verdict(scored(models, half))
    expect(result.ship).toBe('none')
    expect(result.sentence).toContain('Ship none')
    expect(result.sentence).toContain(reason)
  })

  it('ships the newer version unless it is clearly worse than the champion of its kind', () => {
    const models = { cde: { macroF1: 0.55 }, ...baselines }
    expect(verdict(scored({ ...models, 'champion cde': { macroF1: 0.56 } })).ship).toBe('cde')
    const worse = verdict(scored({ ...models, 'champion cde': { macroF1: 0.57 } }))
    expect(worse.ship).toBe('none')
    expect(worse.sentence).toContain('lead over the champion −0.020 [−0.035, −0.005]')
    // The champion of another kind is met through that kind; one that gave no answer is no yardstick.
    expect(verdict(scored({ ...models, 'champion hmm': { macroF1: 0.57 } })).ship).toBe('cde')
    expect(verdict(scored({ ...models, 'champion cde': { macroF1: 0.57, answered: 0 } })).ship).toBe('cde')
  })

  it('does not take a lead without an interval for one', () => {
    const { differences, ...without } = scored({ cde: { macroF1: 0.6 }, ...baselines })
    expect(verdict(without).ship).toBe('none')
  })
})
