import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnavailableError } from '#data/errors.ts'
import type { Suite, Table } from '../suite.ts'
import { type BenchBroker, hasRedis, openEmbedded, openRedis } from './brokers.ts'
import { saveChampion } from './champion.ts'
import { makeMachines } from './namespaces.ts'
import { normalTables, openInference } from './rates.ts'
import { playRounds } from './rounds.ts'
import { splitOfRound } from './split.ts'
import { rateTables, roundTable, splitTable } from './tables.ts'

/** Two cores: as many workers, each with jobs enough at hand that none waits for the broker. */
const CREW = { workers: 2, concurrency: 16 }
const COINS = 200
/** Jobs a turn for each second that was asked for. */
const JOBS_A_SECOND = { redis: 2_000, postgres: 600 }
const ROUNDS = 30
/** Rounds that warm the processes up. */
const COLD = 3
const SPLIT = { turns: 5, tables: 64, rows: 600, cut: { rowsPerJob: 32, batchCoins: 32 } }

/**
 * The fleet as it is deployed: Redis with `deploy/redis.conf`, worker processes, a model of the size that is trained by
 * default; what the issue promises of it, beside what BullMQ does without us.
 */
export const fleet: Suite = async ({ seconds }) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const models = join(directory, 'models')
  const tables: Table[] = []
  try {
    await saveChampion(models)
    if (hasRedis()) {
      await using(openRedis(directory), async ({ broker }) => {
        tables.push(...(await rateTables(broker, CREW, models, jobsIn(seconds, 'redis'))))
        tables.push(await rounds(broker, models, join(directory, 'redis-state')))
      })
      tables.push(await twoMachines(directory, models))
    } else {
      tables.push(without('the fleet on Redis', 'there is no redis-server on the PATH: install Redis 6.2 or newer'))
    }
    await using(openEmbedded(directory), async ({ broker }) => {
      tables.push(...(await rateTables(broker, CREW, models, jobsIn(seconds, 'postgres'))))
      tables.push(await rounds(broker, models, join(directory, 'embedded-state')))
    })
    return tables
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function jobsIn(seconds: number, broker: keyof typeof JOBS_A_SECOND): number {
  return COINS * Math.ceil((seconds * JOBS_A_SECOND[broker]) / COINS)
}

async function rounds(broker: BenchBroker['broker'], models: string, state: string): Promise<Table> {
  const workers = await openInference(broker, CREW, models)
  try {
    return roundTable(
      broker.name,
      COINS,
      await playRounds(broker, models, state, { coins: COINS, count: ROUNDS + COLD }),
      COLD,
    )
  } finally {
    await workers.close()
  }
}

async function twoMachines(directory: string, models: string): Promise<Table> {
  let machines: ReturnType<typeof makeMachines>
  try {
    machines = makeMachines()
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    return without('two workers on two machines', error.message)
  }
  try {
    return await using(openRedis(directory, ['127.0.0.1', ...machines.addresses]), async ({ broker, port }) => {
      try {
        await machines.startWorkers(port!, broker.namespace, models, CREW.concurrency)
        const tables = normalTables(SPLIT.tables, SPLIT.rows)
        // A worker that has never seen a job opens its model first.
        await splitOfRound(broker, tables, 32, SPLIT.cut)
        const turns: (readonly number[])[] = []
        for (let turn = 0; turn < SPLIT.turns; turn++) {
          turns.push(await splitOfRound(broker, tables, SPLIT.rows, SPLIT.cut))
        }
        // Whoever is warm first takes more of the first turn: the one in the middle is how they share.
        const [middle] = turns.toSorted((a, b) => a[0] - b[0]).slice(SPLIT.turns >> 1)
        return splitTable(middle, machines.addresses.length, SPLIT.turns)
      } finally {
        // Before their Redis: they say farewell to it.
        await machines.stopWorkers()
      }
    })
  } finally {
    machines.remove()
  }
}

function without(title: string, why: string): Table {
  return { title, unit: '-', rows: [], remarks: [`not measured: ${why}`] }
}

async function using<T>(opening: Promise<BenchBroker>, work: (opened: BenchBroker) => Promise<T>): Promise<T> {
  const opened = await opening
  try {
    return await work(opened)
  } finally {
    await opened.close()
  }
}
