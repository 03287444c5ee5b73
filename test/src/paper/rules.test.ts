import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOnTick, marginRefusal, openingSize, refusalOf, roundPrice, roundSizeDown } from '#src/paper/rules.ts'
import { order } from './desk.ts'

const contract = { coin: 'BTC', sizeDecimals: 2, marginTiers: [{ lowerBound: 0, maxLeverage: 20 }] }

describe('ticks and lots', () => {
  it('judges the prices of the venue documentation as it does', () => {
    expect(isOnTick(1234.5, 0)).toBe(true)
    expect(isOnTick(1234.56, 0)).toBe(false)
    expect(isOnTick(0.001234, 0)).toBe(true)
    expect(isOnTick(0.0012345, 0)).toBe(false)
    expect(isOnTick(0.01234, 1)).toBe(true)
    expect(isOnTick(0.012345, 1)).toBe(false)
    expect(isOnTick(123456, 1)).toBe(true)
    expect(isOnTick(12345.6, 1)).toBe(false)
    expect(isOnTick(84143.1, 5)).toBe(false)
    expect(isOnTick(84143, 5)).toBe(true)
  })

  it('rounds a buy down and a sale up', () => {
    expect(roundPrice(1234.56, 0, 'buy')).toBe(1234.5)
    expect(roundPrice(1234.56, 0, 'sell')).toBe(1234.6)
    expect(roundPrice(84143.7, 5, 'buy')).toBe(84143)
    expect(roundPrice(99999.6, 0, 'sell')).toBe(100000)
    expect(roundPrice(1000, 0, 'buy')).toBe(1000)
    expect(roundPrice(1.1, 5, 'buy')).toBe(1.1)
  })

  it('cuts sizes towards 0', () => {
    expect(roundSizeDown(1.239, 2)).toBe(1.23)
    expect(roundSizeDown(-1.239, 2)).toBe(-1.23)
    expect(roundSizeDown(0.1 + 0.2, 1)).toBe(0.3)
    expect(Object.is(roundSizeDown(-0.004, 2), 0)).toBe(true)
  })

  it('always gives the nearest price on the grid that is no worse', () => {
    const price = fc.double({ min: 1e-3, max: 1e6, noNaN: true })
    const decimals = fc.integer({ min: 0, max: 3 })
    fc.assert(
      fc.property(price, decimals, (exact, sizeDecimals) => {
        const down = roundPrice(exact, sizeDecimals, 'buy')
        const up = roundPrice(exact, sizeDecimals, 'sell')
        expect(down === 0 || isOnTick(down, sizeDecimals)).toBe(true)
        expect(isOnTick(up, sizeDecimals)).toBe(true)
        expect(down).toBeLessThanOrEqual(exact * (1 + 1e-8))
        expect(up).toBeGreaterThanOrEqual(exact * (1 - 1e-8))
        expect(roundPrice(down, sizeDecimals, 'sell')).toBe(down)
        const tick = Math.max(10 ** (sizeDecimals - 6), Math.min(1, 10 ** (Math.floor(Math.log10(exact) + 1e-9) - 4)))
        expect(up - down).toBeLessThanOrEqual(tick * (1 + 1e-6))
      }),
      { seed: 1 },
    )
  })

  it('never gives a larger size', () => {
    const size = fc.double({ min: -1e6, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(size, fc.integer({ min: 0, max: 5 }), (exact, decimals) => {
        const cut = roundSizeDown(exact, decimals)
        expect(Math.abs(cut)).toBeLessThanOrEqual(Math.abs(exact) * (1 + 1e-8))
        expect(Math.abs(exact) - Math.abs(cut)).toBeLessThan(10 ** -decimals * (1 + 1e-8))
        expect(roundSizeDown(cut, decimals)).toBe(cut)
      }),
      { seed: 1 },
    )
  })
})

describe('what the venue refuses', () => {
  const refusal = (size: number, changes = {}, position = 0) => refusalOf(order(size, changes), contract, position, 100)

  it('is said in its words', () => {
    expect(refusal(1)).toBeUndefined()
    expect(refusal(1, { limitPrice: 0 })).toBe('Order has invalid price.')
    expect(refusal(1, { limitPrice: Number.NaN })).toBe('Order has invalid price.')
    expect(refusal(1, { limitPrice: 100.001 })).toBe('Price must be divisible by tick size.')
    expect(refusal(0.001)).toBe('Order has invalid size.')
    expect(refusal(0)).toBe('Order has invalid size.')
    expect(refusal(1, { limitPrice: 181 })).toBe('Order price cannot be more than 80% away from the reference price')
    expect(refusal(1, { limitPrice: 19 })).toBe('Order price cannot be more than 80% away from the reference price')
    expect(refusal(1, { limitPrice: 180 })).toBeUndefined()
    expect(refusal(0.09)).toBe('Order must have minimum value of $10.')
    expect(refusal(0.1)).toBeUndefined()
    expect(refusal(1, { reduceOnly: true })).toBe('Reduce only order would increase position.')
    expect(refusal(1, { reduceOnly: true }, 1)).toBe('Reduce only order would increase position.')
    expect(refusal(1, { reduceOnly: true }, -1)).toBeUndefined()
  })

  it('counts a resting order at its limit and an immediate one where it would match', () => {
    expect(refusal(0.1, { limitPrice: 99, timeInForce: 'Gtc' })).toBe('Order must have minimum value of $10.')
    expect(refusal(-0.1, { limitPrice: 95 })).toBeUndefined()
  })

  it('lets whole positions below 10 dollars be closed, and no parts of them', () => {
    expect(refusal(-0.05, {}, 0.05)).toBeUndefined()
    expect(refusal(-0.05, { reduceOnly: true }, 0.05)).toBeUndefined()
    expect(refusal(-0.05, { reduceOnly: true }, 0.03)).toBeUndefined()
    expect(refusal(-0.05, {}, 0.07)).toBe('Order must have minimum value of $10.')
    expect(refusal(-0.05, {}, 0.03)).toBe('Order must have minimum value of $10.')
  })

  it('knows what opens', () => {
    expect(openingSize(2, 0)).toBe(2)
    expect(openingSize(-2, -1)).toBe(2)
    expect(openingSize(-2, 1)).toBe(1)
    expect(openingSize(-1, 2)).toBe(0)
  })

  it('covers margin mode and leverage', () => {
    const flat = undefined
    expect(marginRefusal({ mode: 'cross', leverage: 20 }, contract, flat)).toBeUndefined()
    for (const leverage of [21, 0, 2.5]) {
      expect(marginRefusal({ mode: 'cross', leverage }, contract, flat)).toBe('Invalid leverage value')
    }
    const isolatedOnly = { ...contract, strictlyIsolated: true }
    expect(marginRefusal({ mode: 'cross', leverage: 2 }, isolatedOnly, flat)).toBe(
      'Cross margin is not allowed for this asset.',
    )
    const holding = { size: 1, cost: 100e6, mark: 100, realised: 0, funding: 0, fees: 0, slippage: 0 }
    const isolated = { ...holding, mode: 'isolated', leverage: 10, rawUsd: -90e6 } as const
    expect(marginRefusal({ mode: 'cross', leverage: 10 }, contract, isolated)).toBe(
      'Cannot switch leverage type with open position.',
    )
    // 10 dollars of margin behind 100: enough for leverage 10 and more, not for 5.
    expect(marginRefusal({ mode: 'isolated', leverage: 5 }, contract, isolated)).toMatch(/to decrease leverage/)
    expect(marginRefusal({ mode: 'isolated', leverage: 15 }, contract, isolated)).toBeUndefined()
  })
})
