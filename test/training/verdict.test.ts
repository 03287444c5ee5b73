import { describe, expect, it } from 'vitest'
import type { Evaluation, ModelScore } from '#training/evaluation.ts'
import { verdict } from '#training/verdict.ts'

/** An evaluation that holds only what the verdict reads. */
function scored(models: Record<string, Partial<ModelScore>>): Evaluation {
  const full = Object.fromEntries(
    Object.entries(models).map(([name, score]) => [name, { answered: 10, unanswered: 0, collapsed: false, ...score }]),
  )
  return { models: full } as unknown as Evaluation
}

const baselines = { rule: { macroF1: 0.5 }, linear: { macroF1: 0.52 } }

describe('verdict', () => {
  it('ships the candidate that leads both baselines, and says that it is no significance test', () => {
    const result = verdict(scored({ cde: { macroF1: 0.55 }, hmm: { macroF1: 0.4 }, ...baselines }))
    expect(result.ship).toBe('cde')
    expect(result.sentence).toContain('neural CDE (0.550)')
    expect(result.sentence).toContain('HMM (0.400)')
    expect(result.sentence).toContain('not yet a significance test')
  })

  it('may ship the HMM', () => {
    expect(verdict(scored({ cde: { macroF1: 0.5 }, hmm: { macroF1: 0.56 }, ...baselines })).ship).toBe('hmm')
  })

  it.each([
    ['a baseline is better', { cde: { macroF1: 0.51 }, ...baselines }, 'linear model (0.520)'],
    ['the lead is too small', { cde: { macroF1: 0.5249 }, ...baselines }, 'does not lead'],
    ['the best has collapsed', { cde: { macroF1: 0.6, collapsed: true }, ...baselines }, 'given up one regime'],
    ['the best was silent at times', { cde: { macroF1: 0.6, unanswered: 3 }, ...baselines }, '3 hours unanswered'],
    ['no baseline was measured', { cde: { macroF1: 0.6 } }, 'no baseline'],
    ['nobody answered', { cde: { answered: 0, macroF1: Number.NaN }, ...baselines }, 'neither CDE nor HMM'],
  ])('ships none when %s', (_, models, reason) => {
    const result = verdict(scored(models))
    expect(result.ship).toBe('none')
    expect(result.sentence).toContain('Ship none')
    expect(result.sentence).toContain(reason)
  })
})
