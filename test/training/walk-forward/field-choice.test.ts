import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseFields } from '#training/walk-forward/field-choice.ts'
import type { FitScore } from '#training/walk-forward/score-fit.ts'

const scores = (losses: readonly (readonly number[])[]) =>
  losses.map((fold) => fold.map((validationLogLoss) => ({ validationLogLoss }) as FitScore))

describe('chooseFields', () => {
  it('takes the smaller mean validation loss over this fold and those before it', () => {
    const cde = scores([[0.9, 0.9], [0.8], [0.5]])
    const cdeLinear = scores([[0.8, 0.9], [0.95], [0.9]])
    const choices = chooseFields({ cde, cdeLinear })
    expect(choices.map(({ chosen }) => chosen)).toEqual(['cdeLinear', 'cde', 'cde'])
    expect(choices[0].validationLogLoss.cdeLinear).toBeCloseTo(0.85, 12)
  })

  it('takes the plain field where both are equal, and never one with a failed fit', () => {
    expect(chooseFields({ cde: scores([[0.9]]), cdeLinear: scores([[0.9]]) })[0].chosen).toBe('cde')
    const failed = scores([[0.1, Number.NaN]])
    expect(chooseFields({ cde: failed, cdeLinear: scores([[0.9, 0.9]]) })[0].chosen).toBe('cdeLinear')
  })

  it('is not changed by any later fold', () => {
    const loss = fc.double({ min: 0.1, max: 2, noNaN: true })
    const folds = fc.array(fc.tuple(loss, loss), { minLength: 2, maxLength: 6 })
    fc.assert(
      fc.property(folds, folds, (now, later) => {
        const of = (list: readonly (readonly [number, number])[]) =>
          chooseFields({ cde: scores(list.map(([a]) => [a])), cdeLinear: scores(list.map(([, b]) => [b])) })
        expect(of([...now, ...later]).slice(0, now.length)).toEqual(of(now))
      }),
    )
  })
})
