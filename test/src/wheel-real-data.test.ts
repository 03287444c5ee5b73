import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { joinBars } from '#data/join.ts'
import { createCsvProvider } from '#data/providers/csv.ts'
import { WheelOptions } from '#src/options.ts'
import { runWheel } from '#src/wheel.ts'
import { constantEstimates } from './market.ts'

const directory = join(import.meta.dirname, '../../../shared/data')
const coins = ['BTC', 'ETH', 'HYPE', 'SOL', 'DOGE', 'AVAX', 'LINK', 'UNI']
const history = { from: Date.UTC(2025, 0, 1), to: Date.UTC(2025, 4, 20) }
const range = { from: Date.UTC(2025, 3, 1), to: Date.UTC(2025, 4, 20) }

async function loadBars() {
  const provider = createCsvProvider({ directory })
  const load = async (coin: string) =>
    joinBars(await provider.candles(coin, history), await provider.funding(coin, history)).bars
  const bars = await Promise.all(coins.map(load))
  await provider.close()
  return bars
}

// Needs the real data beside the repository.
describe.skipIf(!existsSync(directory))('wheel on real data', () => {
  it('turns over eight coins and seven weeks, and adds up', async () => {
    const bars = await loadBars()
    const uniform = constantEstimates(range.from, range.to, [1 / 3, 1 / 3, 1 / 3])
    const estimates = new Map(coins.map((coin) => [coin, uniform]))
    // Wider than the defaults, which let next to nothing through on eight coins in seven weeks.
    const options = WheelOptions.parse({
      requireEdge: false,
      hazard: { maxSignFlip: 1 },
      validation: { enabled: false },
    })
    const result = await runWheel({ bars, estimates, range, options })
    expect(result.decisions).toBe(8 * 49 * 24)
    expect(result.trades).toBeGreaterThan(0)
    expect(result.closed).toBe(result.opened)
    expect(result.unknownFundingHours).toBe(0)
    const { realised, funding, fees, equityChange } = result.micro
    expect(equityChange).toBe(realised + funding - fees)
    const notional = result.tradeLog.reduce(
      (sum, { size, entryPrice, exitPrice }) => sum + size * (entryPrice + exitPrice),
      0,
    )
    expect(result.fees).toBeCloseTo(0.00045 * notional, 3)
  })
})
