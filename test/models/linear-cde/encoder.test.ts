import { describe, expect, it } from 'vitest'
import { InputError } from '#data/errors.ts'
import { CdeConfiguration } from '#models/classifier/architecture.ts'
import { parameterShapes } from '#models/classifier/parameters.ts'
import { smallArchitecture } from '../classifier/cases.ts'
import { describeEncoder, type ReferenceState } from '../classifier/encoder-behaviour.ts'

/** h(0) = X(0) W + b; h += sum_c dX_c (A_c h + D_c), element by element from the definition. */
function reference(hidden: number, block: number): ReferenceState {
  return (parameters, [start, ...increments]) => {
    let state = Array.from({ length: hidden }, (_, unit) =>
      start.reduce((sum, x, p) => sum + x * parameters.initialWeight[p * hidden + unit], parameters.initialBias[unit]),
    )
    for (const increment of increments) {
      state = state.map((before, unit) => {
        const first = unit - (unit % block)
        let after = before
        for (let p = 0; p < increment.length; p++) {
          let change = parameters.driftWeight[p * hidden + unit]
          for (let j = 0; j < block; j++) {
            change += parameters.transitionWeight[(p * hidden + unit) * block + j] * state[first + j]
          }
          after += increment[p] * change
        }
        return after
      })
    }
    return state
  }
}

for (const block of [1, 2, 3, 6]) {
  const architecture = smallArchitecture({ encoder: 'linear', hidden: 6, block })
  describeEncoder(`the linear vector field with blocks of ${block}`, architecture, reference(6, block))
}

describe('blocks that do not fill the hidden state', () => {
  it('are refused in the settings, where the field is linear', () => {
    const refused = CdeConfiguration.safeParse({ encoder: 'linear', hidden: 30, block: 4 })
    expect(refused.error?.issues).toEqual([
      expect.objectContaining({ path: ['block'], message: expect.stringContaining('must divide "hidden"') }),
    ])
    expect(CdeConfiguration.safeParse({ encoder: 'plain', hidden: 30, block: 4 }).success).toBe(true)
  })

  it('are refused where parameters are laid out', () => {
    const architecture = smallArchitecture({ encoder: 'linear', hidden: 6, block: 4 })
    expect(() => parameterShapes(architecture)).toThrow(InputError)
    expect(() => parameterShapes(architecture)).toThrow('blocks of 4 do not fill a hidden state of 6')
  })
})
