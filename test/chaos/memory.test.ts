import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, onTestFinished } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { SIMULATION_HOURS, SIMULATION_START } from '#data/providers/simulated.ts'
import { openRecords, recordsFile } from '#jobs/records.ts'
import { openRegistry } from '#models/registry.ts'
import { workingVersion } from '../models/versions.ts'
import { spawnGuarded } from './harness/guarded.ts'
import { NO_REDIS, startOwnRedis } from './harness/redis-server.ts'
import { childrenOf, medianBetween, NO_PROC, residentMegabytes, type Sample } from './harness/resident.ts'
import { chaos, type RowNotes } from './harness/row.ts'
import { openFolder } from './harness/stage.ts'

const MILLRACE = fileURLToPath(new URL('../../cli/millrace.mjs', import.meta.url))
const WEEK = 7 * 24
/** How far the last week's median may lie above the second's. */
const FLAT = 0.05
/** What a process may grow by between the two halves of the short form, in which it is still warming up. */
const WARMING = 1.5

/** `millrace up` plays rounds as fast as it can; the resident memory of every process is looked at all the time. */
async function measure(row: RowNotes): Promise<void> {
  const rounds = row.pick(24, 6 * WEEK)
  row.done(`millrace up plays ${rounds} hourly rounds of 8 coins, with real ONNX models, as fast as it can`)
  const redis = await startOwnRedis()
  onTestFinished(() => redis.close())
  const state = await openFolder()
  onTestFinished(() => rm(state, { recursive: true, force: true }))
  const registry = openRegistry(join(state, 'models'))
  for (const [n, kind] of (['cde', 'hmm'] as const).entries()) {
    const { id } = await registry.save({ ...workingVersion(kind, n + 1), now: Date.now() })
    await registry.promote(kind, id, 'champion', 'for the test', Date.now())
  }
  const testFrom = new Date(SIMULATION_START + (SIMULATION_HOURS - rounds - 24) * HOUR).toISOString()
  const args = ['up', '--source', 'simulated', '--pace', '0', '--rounds', String(rounds), '--test-from', testFrom]
  const home = await spawnGuarded(
    process.execPath,
    [MILLRACE, ...args, '--state', state, '--port', '0', '--workers', '2', '--log-level', 'warn'],
    { REDIS_URL: redis.url },
  )
  onTestFinished(() => home.kill())

  const samples = new Map<string, Sample[]>()
  const sample = (name: string, pid: number, over: number) => {
    const megabytes = residentMegabytes(pid)
    if (megabytes === undefined) return
    const taken = samples.get(name) ?? []
    samples.set(name, taken)
    taken.push({ rounds: over, megabytes })
  }
  const records = openRecords(recordsFile(state))
  onTestFinished(() => records.close())
  let code: number | undefined
  home.exited.then((ended) => {
    code = ended
  })
  while (code === undefined) {
    const { done } = records.countRounds()
    sample('home', home.pid, done)
    for (const { pid, command } of childrenOf(home.pid)) {
      if (command.includes('jobs/worker.ts')) sample(`worker ${pid}`, pid, done)
    }
    await delay(row.pick(50, 250))
  }
  const { done, degraded, failed } = records.countRounds()
  row.promise('it ends by itself when its rounds are over', code === 0, [code, home.output()])
  row.promise(
    'every round is done, none degraded',
    done === rounds && degraded === 0 && failed === 0,
    records.countRounds(),
  )
  row.promise('home and both workers were looked at', samples.size === 3, [...samples.keys()])

  const [second, last] = row.pick(
    [
      [0, rounds / 2],
      [rounds / 2, rounds],
    ],
    [
      [WEEK, 2 * WEEK],
      [rounds - WEEK, rounds],
    ],
  )
  for (const [n, [name, taken]] of [...samples].entries()) {
    const [before, after] = [second, last].map(([from, to]) => medianBetween(taken, from, to))
    const label = name === 'home' ? name : `worker ${n}`
    row.figure(`${label} MB`, `${before.toFixed(1)} -> ${after.toFixed(1)}`)
    const most = row.pick(WARMING, 1 + FLAT)
    row.promise(`${label} does not grow`, after <= most * before, [before, after])
  }
}

describe('memory', () => {
  chaos('memory over weeks of rounds', measure, NO_PROC ?? NO_REDIS)
})
