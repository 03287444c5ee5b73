import { setTimeout as delay } from 'node:timers/promises'
import { describe, onTestFinished } from 'vitest'
import { createRandom } from '#data/random.ts'
import { type HomeProcess, judgeHome, readHome } from './harness/home.ts'
import { NO_REDIS, startOwnRedis } from './harness/redis-server.ts'
import { chaos, type RowNotes } from './harness/row.ts'
import { openStage } from './harness/stage.ts'

/** Kills the home process at random instants of its rounds, and holds its ledger against that of one which was left alone. */
async function killHome(row: RowNotes): Promise<void> {
  const rounds = row.pick(16, 1_500)
  const kills = row.pick(4, 200)
  row.done(`SIGKILL to the home process ${kills} times at random instants of ${rounds} hourly rounds`)
  const redis = await startOwnRedis()
  onTestFinished(() => redis.close())
  const stage = await openStage(redis.url)

  const disturbed = await stage.play('disturbed', rounds)
  const killed = await killAtRandom(disturbed.home, kills)
  row.figure('kills', killed)
  row.promise('it was killed in mid-round', killed >= kills / 2, killed)
  judgeHome(row, disturbed.task)

  const alone = await stage.play('alone', rounds)
  await alone.home.over
  const [found, expected] = [disturbed, alone].map(({ task }) => readHome(task.state).events)
  const differs = expected.findIndex((event, n) => JSON.stringify(event) !== JSON.stringify(found[n]))
  row.promise('the ledger is that of a home left alone', differs === -1 && found.length === expected.length, [
    found[differs],
    expected[differs],
  ])
}

/** @returns how often it was killed before its rounds were over */
async function killAtRandom(home: HomeProcess, kills: number): Promise<number> {
  const random = createRandom(5)
  let over = false
  const ended = home.over.then(() => {
    over = true
  })
  for (let killed = 0; killed < kills; killed++) {
    await home.ready()
    await Promise.race([delay(10 + 400 * random.uniform()), ended])
    if (over) return killed
    await home.kill()
  }
  await ended
  return kills
}

describe('the home process killed in mid-round', () => {
  chaos('home process killed', killHome, NO_REDIS)
})
