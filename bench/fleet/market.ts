import { join } from 'node:path'
import { HOUR } from '#data/bars.ts'
import { coreCoins } from '#data/core-coins.ts'
import type { Instrument } from '#data/provider.ts'
import { createSimulatedProvider, SIMULATION_START } from '#data/providers/simulated.ts'
import { openProvider } from '#data/source.ts'
import { openStore } from '#data/store.ts'
import { createWeightBudget } from '#data/weight-budget.ts'
import { type RoundMarkets, remoteMarkets } from '#jobs/rounds/markets.ts'

/** Days before the first round: what a round looks back upon, and the warm-up of its features. */
const HISTORY_DAYS = 55
/** The exchange whose store it is; nobody asks it anything. */
const SOURCE = { source: 'hyperliquid' } as const

/** Where rounds read, and the hours that can be played. */
export interface StoredMarket {
  readonly markets: RoundMarkets
  readonly from: number
  readonly to: number
}

/**
 * A market of `coins` simulated coins in the local store of `state`, as it is after an hour was fetched from the
 * exchange. Rounds read it as they read the exchange's: out of the store, computing features anew each hour.
 */
export async function storeMarket(state: string, coins: number, rounds: number): Promise<StoredMarket> {
  const hours = 24 * HISTORY_DAYS + rounds + 1
  const names = [...coreCoins, ...Array.from({ length: coins }, (_, i) => `C${i}`)].slice(0, coins)
  const simulated = createSimulatedProvider({ seed: 1, coins: names, hours })
  const opened = openProvider(SOURCE, { now: Date.now })
  const { origin } = opened
  await opened.close()

  const store = openStore(join(state, 'market.sqlite'))
  const range = { from: SIMULATION_START, to: SIMULATION_START + hours * HOUR }
  const coverage = { ...range, checked: Date.now() }
  for (const coin of names) {
    store.addCandles(origin, await simulated.candles(coin, range), coverage)
    store.addFunding(origin, await simulated.funding(coin, range), coverage)
  }
  store.close()
  const instruments: Instrument[] = await simulated.universe()
  const markets = remoteMarkets({ source: SOURCE, pool: 'all', state }, origin, {
    now: Date.now,
    budget: createWeightBudget({ now: Date.now }),
    instruments: { read: () => instruments, write: () => {} },
  })
  return {
    markets: {
      ...markets,
      load: (asOf, options) => markets.load(asOf, { ...options, stored: 'its bars were fetched already' }),
    },
    from: SIMULATION_START + 24 * HISTORY_DAYS * HOUR,
    to: range.to,
  }
}
