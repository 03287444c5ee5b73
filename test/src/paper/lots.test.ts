import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allocateBars, HOUR } from '#data/bars.ts'
import { joinBars } from '#data/join.ts'
import { createCsvProvider } from '#data/providers/csv.ts'
import { lotDecimalsOf } from '#src/paper/lots.ts'

const directory = join(import.meta.dirname, '../../../../shared/data/hyperliquid')

function traded(volumes: readonly number[]) {
  const bars = allocateBars('BTC', volumes.length)
  bars.openTime.set(volumes.map((_, hour) => hour * HOUR))
  bars.volume.set(volumes)
  return bars
}

function week(volume: (hour: number) => number, hours = 168) {
  return traded(Array.from({ length: hours }, (_, hour) => volume(hour)))
}

describe('decimals of a lot', () => {
  it('are those of the volumes', () => {
    expect(lotDecimalsOf(week((hour) => 10 + hour))).toBe(0)
    expect(lotDecimalsOf(week((hour) => (hour === 100 ? 3.25 : 12.5)))).toBe(2)
    expect(lotDecimalsOf(week((hour) => (hour === 100 ? 1.5e-7 : 1)))).toBe(8)
  })

  it('are not known from few trades, or volumes that are on no grid', () => {
    expect(lotDecimalsOf(week(() => 1, 23))).toBeUndefined()
    expect(lotDecimalsOf(week((hour) => (hour % 10 === 0 ? 1 : 0)))).toBeUndefined()
    expect(lotDecimalsOf(week((hour) => hour / 3))).toBeUndefined()
  })

  it('do not follow what comes after the first week', () => {
    expect(lotDecimalsOf(week((hour) => (hour < 168 ? 1.5 : 1.2345), 400))).toBe(1)
  })

  // Needs the real data beside the repository.
  it.skipIf(!existsSync(directory))('are those of the venue for real coins', async () => {
    const range = { from: Date.UTC(2025, 0, 1), to: Date.UTC(2025, 0, 10) }
    const provider = createCsvProvider({ directory })
    const stated = { BTC: 5, ETH: 4, SOL: 2, HYPE: 2, AVAX: 2, LINK: 1, DOGE: 0 }
    for (const [coin, decimals] of Object.entries(stated)) {
      const { bars } = joinBars(await provider.candles(coin, range), await provider.funding(coin, range))
      expect([coin, lotDecimalsOf(bars)]).toEqual([coin, decimals])
    }
    await provider.close()
  })
})
