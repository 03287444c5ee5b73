import { describe, vi } from 'vitest'
import { HOUR } from '#data/bars.ts'
import type * as WeightBudgets from '#data/weight-budget.ts'
import type { FaultKind } from '../exchange/faults.ts'
import { judgeHome } from './harness/home.ts'
import { NO_REDIS } from './harness/redis-server.ts'
import { openRemoteRounds } from './harness/remote-rounds.ts'
import { chaos, type RowNotes } from './harness/row.ts'

// Only what waits is quick: how much is asked in which time is the provider's own business.
vi.mock('#data/weight-budget.ts', async (original) => ({
  ...(await original<typeof WeightBudgets>()),
  sleepFor: async (milliseconds: number, signal?: AbortSignal) =>
    (await import('./harness/remote-rounds.ts')).quickSleep(milliseconds, signal),
}))

const MINUTE = 60_000
/** Weight that the exchange allows in a minute, and the least that a request weighs. */
const [LIMIT, WEIGHT] = [1_200, 20]
/** What the exchange answers, one after the other, for as long each. */
const TROUBLE: readonly (readonly FaultKind[])[] = [
  ['429 null'],
  ['500 null', '502 html', 'reset'],
  ['broken json', '200 html', 'missing field', 'NaN text', 'other coin'],
  ['hang'],
]
const TROUBLE_MINUTES = 10.5

/** An exchange that answers nothing useful from just before a full hour to just after the round's deadline. */
async function loseExchange(row: RowNotes): Promise<void> {
  const speed = row.pick(150, 1)
  row.done(
    `${TROUBLE_MINUTES} minutes of 429, 500, garbage and silence around a full hour${speed > 1 ? `, ${speed} times as fast` : ''}`,
  )
  const rounds = await openRemoteRounds(['BTC', 'ETH', 'SOL', 'DOGE', 'AVAX'], speed)
  const { first, exchange, arrivals } = rounds
  const healthy = await rounds.ended(first)
  row.promise(
    'a round of a healthy exchange is not degraded',
    healthy.state === 'done' && healthy.degraded.length === 0,
    healthy,
  )
  const usual = arrivals.length

  rounds.setTime(first + HOUR - 10_000)
  const begin = rounds.time()
  const end = begin + TROUBLE_MINUTES * MINUTE
  for (const [n, kinds] of TROUBLE.entries()) {
    exchange.faults.clear()
    // Each request gets the next kind of its phase, the last one again and again.
    for (const kind of kinds.slice(0, -1)) exchange.faults.add({ kind, times: 3 })
    exchange.faults.add({ kind: kinds[kinds.length - 1] })
    await rounds.wait(begin + ((n + 1) * (end - begin)) / TROUBLE.length - rounds.time())
  }
  const without = await rounds.ended(first + HOUR)
  const troubled = arrivals.filter(({ at }) => at >= begin && at < end)
  exchange.faults.clear()
  row.promise(
    'the round without the exchange is done, and degraded',
    without.state === 'done' && without.degraded.length > 0,
    without,
  )
  row.promise('it has estimates of what was stored', without.estimates === 5, without.estimates)

  rounds.setTime(first + 2 * HOUR + 15_000)
  const after = await rounds.ended(first + 2 * HOUR)
  row.promise('the next round is as if nothing had been', after.state === 'done' && after.degraded.length === 0, after)
  row.promise('and has the newest bars', after.newestBar === first + 2 * HOUR, after.newestBar)

  const most = mostInAMinute(arrivals.map(({ at }) => at))
  row.figure('requests in trouble', troubled.length)
  row.figure('most in a minute', most)
  row.figure('requests of a first round', usual)
  row.promise(
    'the budget is kept',
    exchange.refused() === 0 && mostInAMinute(troubled.map(({ at }) => at)) * WEIGHT <= LIMIT,
    {
      refused: exchange.refused(),
      most,
    },
  )
  row.promise('no storm: fewer than ten requests a minute', troubled.length < 10 * TROUBLE_MINUTES, troubled.length)
  await rounds.running.drain()
  judgeHome(row, { state: rounds.state, rounds: 3, coins: ['BTC'], before: 0 })
}

/** Most of the ascending times that lie within one minute. */
function mostInAMinute(times: readonly number[]): number {
  let most = 0
  for (let from = 0, to = 0; to < times.length; to++) {
    while (times[to] - times[from] >= MINUTE) from++
    most = Math.max(most, to - from + 1)
  }
  return most
}

describe('an exchange that does not serve', () => {
  chaos('exchange answers 429, 500, garbage, nothing', loseExchange, NO_REDIS)
})
