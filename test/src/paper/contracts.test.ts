import { describe, expect, it } from 'vitest'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { contractOf } from '#src/paper/contracts.ts'
import { maintenanceMargin, marginRate } from '#src/paper/margin.ts'

const options = { sizeDecimals: 4 }
const listed = (coin: string) => contractOf({ coin, live: true }, coin, options)

describe('a contract', () => {
  it.each([
    ['BTC', 40, 150e6, 20],
    ['ETH', 25, 100e6, 15],
    ['SOL', 20, 70e6, 10],
    ['XRP', 20, 40e6, 10],
    ['HYPE', 10, 20e6, 5],
    ['kPEPE', 10, 20e6, 5],
    ['ARB', 10, 3e6, 5],
    ['XPL', 10, 3e6, 5],
  ])('of %s has the tiers of mainnet: %dx, from %d dollars %dx', (coin, first, bound, second) => {
    expect(listed(coin).marginTiers).toEqual([
      { lowerBound: 0, maxLeverage: first },
      { lowerBound: bound, maxLeverage: second },
    ])
  })

  it("asks of 200 million dollars of BTC what the venue's documentation says: 3.125 million", () => {
    expect(maintenanceMargin(listed('BTC'), 200e6)).toBe(200e6 * 0.025 - 150e6 * (0.025 - 0.0125))
    expect(maintenanceMargin(listed('BTC'), 200e6)).toBe(3.125e6)
  })

  it.each([
    [40, 0.0125],
    [25, 0.02],
    [20, 0.025],
    [10, 0.05],
    [5, 0.1],
    [3, 1 / 6],
  ])('of another coin has one tier: %dx demands %d', (maxLeverage, rate) => {
    const contract = contractOf({ coin: 'NEW', live: true, sizeDecimals: 1, maxLeverage }, 'NEW', options)
    expect(contract).toEqual({ coin: 'NEW', sizeDecimals: 1, marginTiers: [{ lowerBound: 0, maxLeverage }] })
    expect(marginRate(contract, 1e9)).toBe(rate)
  })

  it('is the most cautious where nothing is known', () => {
    const marginTiers = [{ lowerBound: 0, maxLeverage: 3 }]
    expect(contractOf(undefined, 'NEW', options)).toEqual({ coin: 'NEW', sizeDecimals: 4, marginTiers })
  })

  it('grants no more than the venue does, and no more than the list', () => {
    const of = (maxLeverage: number) => contractOf({ coin: 'BTC', live: true, maxLeverage }, 'BTC', options).marginTiers
    expect(of(50)).toEqual(listed('BTC').marginTiers)
    expect(of(25).map(({ maxLeverage }) => maxLeverage)).toEqual([25, 20])
    expect(of(20)).toEqual([{ lowerBound: 0, maxLeverage: 20 }])
    expect(of(3)).toEqual([{ lowerBound: 0, maxLeverage: 3 }])
  })

  it('is isolated only where the venue says so', () => {
    const instrument = { coin: 'LOOM', live: true, maxLeverage: 3 }
    expect(contractOf({ ...instrument, strictlyIsolated: true }, 'LOOM', options).strictlyIsolated).toBe(true)
    expect(contractOf({ ...instrument, strictlyIsolated: false }, 'LOOM', options)).not.toHaveProperty(
      'strictlyIsolated',
    )
  })

  it.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a leverage of %d', (maxLeverage) => {
    expect(() => contractOf({ coin: 'NEW', live: true, maxLeverage }, 'NEW', options)).toThrow(/at least 1/)
  })

  it('takes what the simulated venue says', async () => {
    const provider = createSimulatedProvider({ seed: 1, hours: 24, coins: ['SOL', 'NEW'] })
    const contracts = (await provider.universe()).map((instrument) => contractOf(instrument, instrument.coin, options))
    expect(contracts.map(({ sizeDecimals, marginTiers }) => [sizeDecimals, marginTiers.length])).toEqual([
      [2, 2],
      [1, 1],
    ])
  })
})
