import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { createWeightBudget } from '#data/weight-budget.ts'
import { remoteMarkets } from '#jobs/rounds/markets.ts'
import { startExchange } from '../../exchange/exchange.ts'
import { seriesFrom } from '../../exchange/series.ts'

const state = mkdtempSync(join(tmpdir(), 'millrace-unlisted-'))
afterAll(() => rmSync(state, { recursive: true, force: true }))

const FIRST = Date.UTC(2025, 0, 1) + 1200 * HOUR

it('a coin that the venue names no more costs no other coin its round', async () => {
  let time = FIRST + 30_000
  const now = () => time
  const provider = createSimulatedProvider({ seed: 5, hours: 1300, coins: ['BTC', 'ETH', 'SOL'] })
  const exchange = await startExchange({ series: await seriesFrom(provider), now, weightLimit: 1e9 })
  const marketsOf = (coins: string[]) =>
    remoteMarkets({ source: { source: 'hyperliquid', apiUrl: exchange.url }, coins, state }, 'hyperliquid', {
      now,
      budget: createWeightBudget({ now, limit: 1e9 }),
      instruments: { read: () => undefined, write: () => {} },
    })
  try {
    const markets = marketsOf(['BTC', 'ETH', 'SOL'])
    expect((await markets.load(FIRST)).behind).toEqual([])

    time += HOUR
    // The list names another coin in place of ETH.
    exchange.faults.add({ kind: 'other coin', type: 'meta' })
    const known = await markets.load(FIRST + HOUR)
    expect(known.bars.map(({ coin }) => coin).sort()).toEqual(['BTC', 'ETH', 'SOL'])
    expect(known.behind).toEqual(['ETH'])
    expect(known.newest).toBe(FIRST + HOUR)
    expect(known.notices.map(({ message }) => message).join()).toContain('it does not list ETH now')
    expect((await marketsOf(['ETH']).load(FIRST + HOUR)).behind).toEqual(['ETH'])
    // What was never there is a name that is wrong.
    await expect(marketsOf(['BTC', 'TYPO']).load(FIRST + HOUR)).rejects.toThrow(InputError)
  } finally {
    await exchange.close()
  }
})
