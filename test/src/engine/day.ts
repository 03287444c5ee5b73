import { barsKnownAt, HOUR } from '#data/bars.ts'
import { type Engine, liveThroughHour } from '#src/engine.ts'
import { type LedgerStore, openJournal } from '#src/ledger/journal.ts'
import { WheelOptions } from '#src/options.ts'
import { contractOf } from '#src/paper/contracts.ts'
import { createPaperExchange } from '#src/paper/exchange.ts'
import { createScanners } from '#src/scanners/all.ts'
import { createScanBook, type Snapshot } from '#src/wheel/snapshot.ts'
import { makeBars, START } from '../market.ts'

/** A simulated day of paper trading: ten coins, lively enough that every hour something is ordered. */
export const DAY = { from: START + 400 * HOUR, to: START + 424 * HOUR }

const COINS = ['AAA', 'BBB', 'CCC', 'DDD', 'EEE', 'FFF', 'GGG', 'HHH', 'III', 'JJJ']
const bars = COINS.map((coin) => makeBars(coin, 430, 21))

export const dayOptions = WheelOptions.parse({
  requireEdge: false,
  fusion: { minConviction: 0.01 },
  validation: { enabled: false },
  hazard: { maxSignFlip: 1 },
  protections: { cooldownHours: 0, losingStreak: 0, coinLosses: 0 },
  sizing: { minPositionDollars: 10 },
  rotation: { minGain: 0 },
  ouFunding: { entryZ: 0.6, exitZ: 0.59, minHalfLifeHours: 0.1, maxHalfLifeHours: 500, significance: 0.5 },
  kalmanFunding: { entryZ: 0.8, exitLevel: 3e-5, horizonHours: 3 },
})

/** The world at an hour, the future withheld. */
export function daySnapshot(asOf: number, options = dayOptions): Snapshot {
  const known = bars.map((history) => barsKnownAt(history, asOf))
  return {
    listings: new Map(
      known.map((history) => [
        history.coin,
        { contract: contractOf(undefined, history.coin, options.exchange), bars: history },
      ]),
    ),
    market: { bars: known },
    // A trend begins every third hour: what was opened outside it is closed, and opened again.
    estimate: (_, at) => ((at / HOUR) % 3 === 0 ? [0.1, 0.8, 0.1] : [0.4, 0.3, 0.3]),
    model: 'constant',
    degraded: [],
  }
}

/** Trades the day, or what is left of it after the ledger's last hour. */
export async function liveTheDay(store: LedgerStore, between: () => Promise<void> = async () => {}): Promise<Engine> {
  const engine: Engine = {
    journal: openJournal(store),
    venue: createPaperExchange(dayOptions.exchange),
    book: createScanBook(createScanners(dayOptions), 48),
    options: dayOptions,
    keepStories: true,
  }
  const { state } = engine.journal
  for (let asOf = state.advancedTo ?? DAY.from; asOf < DAY.to; asOf += HOUR) {
    await liveThroughHour(engine, asOf, daySnapshot(asOf), { mayOpen: true, closeAll: false })
    await between()
  }
  return engine
}
