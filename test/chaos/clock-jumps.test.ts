import { describe, vi } from 'vitest'
import { HOUR } from '#data/bars.ts'
import type * as WeightBudgets from '#data/weight-budget.ts'
import { judgeHome } from './harness/home.ts'
import { NO_REDIS } from './harness/redis-server.ts'
import { openRemoteRounds, type RemoteRounds } from './harness/remote-rounds.ts'
import { chaos, type RowNotes } from './harness/row.ts'

// Only what waits is quick: how much is asked in which time is the provider's own business.
vi.mock('#data/weight-budget.ts', async (original) => ({
  ...(await original<typeof WeightBudgets>()),
  sleepFor: async (milliseconds: number, signal?: AbortSignal) =>
    (await import('./harness/remote-rounds.ts')).quickSleep(milliseconds, signal),
}))

const COINS: [string, ...string[]] = ['BTC', 'ETH', 'SOL']

/** Sets the clock of this machine an hour forward and back, while that of the exchange goes on as it should. */
async function jump(row: RowNotes): Promise<void> {
  const cycles = row.pick(1, 20)
  row.done(
    `clock set an hour forward, back, an hour back and forward again, ${cycles} times over ${4 * cycles + 1} hours`,
  )
  const rounds = await openRemoteRounds(COINS, 50)
  const { first } = rounds
  await rounds.ended(first)
  let waited = 0
  for (let n = 0; n < cycles; n++) waited += await jumpOnce(row, rounds, first + 4 * n * HOUR)
  const count = 4 * cycles + 1
  row.figure('rounds that waited for the exchange', waited)
  await rounds.running.drain()
  judgeHome(row, { state: rounds.state, rounds: count, coins: COINS, before: 0 })
}

/** Four hours from one whose round is over. @returns rounds that began ahead of the exchange, and waited for it */
async function jumpOnce(row: RowNotes, rounds: RemoteRounds, hour: number): Promise<number> {
  const at = async (time: number, ahead: number) => {
    rounds.setAhead(ahead)
    rounds.setTime(time)
    await rounds.running.planner.plan()
    // A few looks of the planner's own.
    await rounds.wait(20_000)
  }
  const begun = (asOf: number) => rounds.round(asOf) !== undefined
  const done = (asOf: number) => rounds.round(asOf)?.state === 'done'

  // An hour ahead: our clock says that the next hour is over, the exchange's does not.
  await at(hour + HOUR / 6, HOUR)
  row.promise('no round is done of an hour that is not over at the exchange', !done(hour + HOUR))
  const waits = begun(hour + HOUR) ? 1 : 0
  await at(hour + HOUR / 3, 0)
  row.promise('nor after the clock was set right', !done(hour + HOUR))
  await at(hour + HOUR + 25_000, 0)
  row.promise('it is done when it is over', (await rounds.ended(hour + HOUR)).state === 'done')

  // An hour behind: the next hour is over, our clock says that it has hardly begun.
  await at(hour + 2 * HOUR + 25_000, -HOUR)
  row.promise('no round is done twice', rounds.round(hour + 2 * HOUR) === undefined)
  await at(hour + 2 * HOUR + HOUR / 4, 0)
  row.promise('what was late is made up for', (await rounds.ended(hour + 2 * HOUR)).state === 'done')

  // Behind until after the next hour: two rounds are due at once.
  await at(hour + 3 * HOUR + 25_000, -HOUR)
  await at(hour + 4 * HOUR + 25_000, 0)
  row.promise('what was missed comes in order', (await rounds.ended(hour + 3 * HOUR)).state === 'done')
  const last = await rounds.ended(hour + 4 * HOUR)
  row.promise(
    'and then what is due',
    last.state === 'done' && last.startedAt >= rounds.round(hour + 3 * HOUR)!.endedAt!,
    last,
  )
  return waits
}

describe('a clock that is set', () => {
  chaos('clock jumps forward and back an hour', jump, NO_REDIS)
})
