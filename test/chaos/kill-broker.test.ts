import { rm } from 'node:fs/promises'
import { describe, onTestFinished } from 'vitest'
import { openBroker } from '#jobs/broker.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { judgeHome } from './harness/home.ts'
import { type KillableServer, SERVERS } from './harness/killable-broker.ts'
import { judgeRound, numberedRound, openEffects, SERVING_MODULE } from './harness/numbered-jobs.ts'
import { chaos, type RowNotes } from './harness/row.ts'
import { openFolder, openStage, QUICK } from './harness/stage.ts'
import { superviseWorkers } from './harness/workers.ts'

/** Kills the broker's server again and again during a round of inference. */
async function killInInference(row: RowNotes, server: KillableServer): Promise<void> {
  const jobs = row.pick(150, 8_000)
  const kills = row.pick(1, 20)
  row.done(`SIGKILL to the server ${kills} times during ${jobs} inference jobs on 2 workers`)
  const state = await openFolder()
  const effects = await openEffects()
  const broker = await openBroker({ redisUrl: server.redisUrl, stateDirectory: state, keep: true, logger })
  const workers = superviseWorkers({
    count: 2,
    args: [
      '--queues',
      'infer',
      '--models',
      state,
      '--serving-module',
      SERVING_MODULE,
      '--threads',
      '1',
      ...row.pick(QUICK, []),
    ],
    env: { ...broker.workerEnvironment(), CHAOS_EFFECTS: effects.directory, CHAOS_PAUSE: String(row.pick(4, 16)) },
  })
  onTestFinished(async () => {
    await workers.close()
    await broker.close()
    await effects.close()
    await rm(state, { recursive: true, force: true })
  })
  await workers.whenReady(2)

  let killed = 0
  let lost = 0
  let killing = Promise.resolve()
  const round = await numberedRound(jobs, {
    broker,
    progress: ({ done }) => {
      if (killed >= kills || done < ((killed + 1) * jobs) / (kills + 1)) return
      killed++
      killing = killing.then(async () => {
        lost += await server.kill(broker, state)
      })
    },
  })
  await killing

  row.figure('kills', killed)
  row.figure('bytes lost', lost)
  judgeRound(row, jobs, round, await effects.read())
  row.promise('it was killed in mid-round', killed === kills, killed)
  row.promise('workers recover by themselves', workers.deaths.length === 0, workers.deaths[0])
}

/** Kills the broker's server at random steps of hourly rounds. */
async function killInRounds(row: RowNotes, server: KillableServer): Promise<void> {
  const rounds = row.pick(8, 600)
  const kills = row.pick(1, 40)
  row.done(`SIGKILL to the server ${kills} times during ${rounds} hourly rounds`)
  const stage = await openStage(server.redisUrl)
  const { task, home } = await stage.play('disturbed', rounds)
  let steps = 0
  let killed = 0
  let lost = 0
  let killing = Promise.resolve()
  home.onStep(() => {
    steps++
    // Another step of the ten each time.
    if (killed >= kills || steps < ((killed + 1) * 10 * rounds) / (kills + 1) + (killed % 10)) return
    killed++
    killing = killing.then(async () => {
      lost += await server.kill(stage.broker, stage.folder)
    })
  })
  await home.over
  await killing
  row.figure('kills', killed)
  row.figure('bytes lost', lost)
  judgeHome(row, task)
  row.promise('it was killed in mid-round', killed === kills, killed)
  row.promise('workers recover by themselves', stage.workers.deaths.length === 0, stage.workers.deaths[0])
}

/** Milliseconds that a Redis is away. */
const AWAY = { short: 300, long: 3_000 }

describe.each(SERVERS)('$name', ({ name, open, cannot }) => {
  chaos(`${name} in a round of inference`, async (row) => killInInference(row, await open(AWAY[row.scale])), cannot)
  chaos(`${name} in hourly rounds`, async (row) => killInRounds(row, await open(AWAY[row.scale])), cannot)
})
