import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseChallengers, readTraining } from '#jobs/retraining/choose.ts'

const answer = (kind: string, macroF1: number, occupancy = { chop: 0.4, trend: 0.3, reversal: 0.3 }) => ({
  kind,
  id: `${kind}-${macroF1}`,
  path: '/somewhere',
  maxAbsDiff: 1e-7,
  validation: { macroF1, accuracy: 0.5, occupancy },
  seconds: 3,
})
const trained = (kind: 'cde' | 'hmm', seed: number, macroF1: number, least = 0.3) =>
  readTraining(answer(kind, macroF1, { chop: 1 - 0.3 - least, trend: 0.3, reversal: least }), kind, seed)

describe('the challenger of a kind', () => {
  it('is the seed that did best on the validation fold', () => {
    const chosen = chooseChallengers([
      trained('cde', 1, 0.5),
      trained('cde', 2, 0.6),
      trained('hmm', 1, 0.7),
      trained('cde', 3, 0.55),
    ])
    expect(chosen.cde).toMatchObject({ seed: 2, id: 'cde-0.6' })
    expect(chosen.hmm).toMatchObject({ seed: 1 })
  })

  it('is one without a flaw where there is one, however well the others did', () => {
    const chosen = chooseChallengers([trained('cde', 1, 0.9, 0), trained('cde', 2, 0.4)])
    expect(chosen.cde).toMatchObject({ seed: 2 })
    expect(chooseChallengers([trained('cde', 1, 0.9, 0)]).cde?.flaw).toMatch(/^it says reversal in less than/)
  })

  it('is the same in whatever order the trainings ended', () => {
    const one = fc.record({
      seed: fc.integer({ min: 1, max: 9 }),
      macroF1: fc.constantFrom(0.3, 0.5, 0.7),
      least: fc.constantFrom(0, 0.3),
    })
    const all = fc.uniqueArray(one, { selector: ({ seed }) => seed, minLength: 1 })
    const shuffled = all.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    )
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        const choose = (these: typeof list) =>
          chooseChallengers(these.map(({ seed, macroF1, least }) => trained('cde', seed, macroF1, least))).cde
        const chosen = choose(list)!
        expect(choose(other)).toEqual(chosen)
        const sound = list.filter(({ least }) => least > 0)
        const best = Math.max(...(sound.length > 0 ? sound : list).map(({ macroF1 }) => macroF1))
        expect(chosen.validation.macroF1).toBe(best)
      }),
    )
  })
})

it('takes nothing for an answer that is none', () => {
  expect(() => readTraining({ id: 'model-1', pid: 7 }, 'cde', 1)).toThrow(/cannot be read .*kind/)
  expect(() => readTraining(answer('hmm', 0.5), 'cde', 1)).toThrow(/it is of a hmm/)
})
