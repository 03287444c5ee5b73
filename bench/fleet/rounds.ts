import { mkdirSync } from 'node:fs'
import type { Broker } from '#jobs/broker.ts'
import { openRecords, type RoundRecord, recordsFile } from '#jobs/records.ts'
import { replayClock } from '#jobs/rounds/clock.ts'
import { RoundOptions } from '#jobs/rounds/options.ts'
import { startRounds } from '#jobs/rounds/run-rounds.ts'
import { createTraderKeeper } from '#jobs/rounds/trader.ts'
import { paperLedger } from '#jobs/trading/ledgers.ts'
import { WheelOptions } from '#src/options.ts'
import { logger } from './brokers.ts'
import { storeMarket } from './market.ts'

/**
 * Plays `count` hourly rounds of `coins` coins, all ten steps, one after the other without a pause, with ledger and
 * records on disk in `state`; the workers of the `infer` queue are the caller's.
 *
 * @returns what the records say of each, oldest first
 * @throws {Error} where a round did not end well: its time would mean nothing
 */
export async function playRounds(
  broker: Broker,
  models: string,
  state: string,
  { coins, count }: { readonly coins: number; readonly count: number },
): Promise<readonly RoundRecord[]> {
  mkdirSync(state, { recursive: true })
  const { markets, from, to } = await storeMarket(state, coins, count)
  const wheel = WheelOptions.parse({})
  const records = openRecords(recordsFile(state))
  const trader = createTraderKeeper(paperLedger(state), wheel)
  const running = await startRounds({
    broker,
    records,
    clock: replayClock(Date.now, { from, to }, 0),
    markets,
    trader,
    models,
    rounds: RoundOptions.parse({ pace: 0, rounds: count }),
    wheel,
    integrityHours: 24,
    logger,
  })
  try {
    await running.over
    const played = records.rounds(count).toReversed()
    const bad = played.find((round) => round.state !== 'done' || round.estimates < coins)
    if (bad || played.length !== count) {
      const words = bad ? `${bad.flow} ${bad.state}, ${bad.estimates} estimates: ${bad.words ?? bad.degraded}` : 'none'
      throw new Error(`${played.length} of ${count} rounds were played; not well: ${words}`)
    }
    return played
  } finally {
    await running.drain()
    trader.close()
    records.close()
  }
}
