import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { WheelOptions } from '#src/options.ts'
import { fitOu } from '#src/ou.ts'
import { fundingGrid } from '#src/scanners/funding.ts'
import { fundingTurn } from '#src/wheel/funding-turn.ts'
import { signFlipProbability } from '#src/wheel/sign-flip.ts'
import { makeBars, START, withOtherFuture, without } from '../market.ts'

const options = WheelOptions.parse({}).ouFunding
const bars = makeBars('AAA', 400, 4)

describe('how soon funding turns', () => {
  it('is what the process fitted to the known hours says, whatever was asked before', () => {
    for (const hour of [300, 350, 300]) {
      const asOf = START + hour * HOUR
      const grid = fundingGrid(bars, asOf, options.windowHours)
      const fit = fitOu(grid, options.minPairs)
      if ('unavailable' in fit) throw new Error(fit.unavailable)
      for (const direction of [1, -1] as const) {
        for (const cost of [1e-5, 1e-4, 1e-3, 1e-4]) {
          const expected = signFlipProbability(fit, grid[grid.length - 1], direction, cost)
          expect(fundingTurn(bars, asOf, direction, cost, options)).toBe(expected)
        }
      }
    }
  })

  it('does not see the future', () => {
    const asOf = START + 300 * HOUR
    const other = withOtherFuture(bars, 300)
    expect(fundingTurn(other, asOf, -1, 1e-3, options)).toBe(fundingTurn(bars, asOf, -1, 1e-3, options))
  })

  it('says what it does not know', () => {
    const asOf = START + 300 * HOUR
    const holed = without(bars, (index) => index === 299)
    expect(fundingTurn(holed, asOf, -1, 1e-3, options)).toEqual({ unavailable: 'no funding settled at this hour' })
    expect(fundingTurn(bars, START + 20 * HOUR, -1, 1e-3, options)).toMatchObject({ unavailable: 'too few pairs' })
  })
})
