import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, brokerEnvironment, openBroker } from '#jobs/broker.ts'
import { sweepPostgres } from '#jobs/brokers/postgres-sweep.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { brokerConformance } from './conformance.ts'

const HOLDER = fileURLToPath(new URL('../fixtures/hold-broker.ts', import.meta.url))

let stateDirectory: string
beforeAll(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'millrace-state-'))
  // Whatever account the server runs as must be able to get here, as in most checkouts.
  await chmod(stateDirectory, 0o755)
})
afterAll(() => rm(stateDirectory, { recursive: true, force: true }))

const open = () => openBroker({ stateDirectory, logger })
const folders = () => readdir(join(stateDirectory, 'broker'))

describe('the embedded PostgreSQL broker', () => {
  brokerConformance(open)
})

describe('the embedded PostgreSQL', () => {
  it('is one of its own for each run, and leaves neither process nor file when closed', async () => {
    const before = await folders().catch(() => [])
    const [broker, other] = await Promise.all([open(), open()])
    expect(other.connection).not.toBe(broker.connection)
    expect(await folders()).toHaveLength(before.length + 2)
    await other.createQueue<object, void>('far').add('job', {})

    // The way in which worker processes reach it.
    const environment = brokerEnvironment(broker.workerEnvironment())
    const second = await openBroker({ ...environment, stateDirectory, logger })
    expect(await second.createQueue<object, void>('far').count()).toBe(0)
    second.createWorker<{ n: number }, number>('far', async (job) => job.data.n + 1)
    const events = await broker.createQueueEvents('far')
    const job = await broker.createQueue<{ n: number }, number>('far').add('add', { n: 1 })
    expect(await job.waitUntilFinished(events)).toBe(2)
    await second.close()

    await Promise.all([broker.close(), other.close()])
    await broker.close()
    expect(await folders()).toHaveLength(before.length)
    expect(await answers(environment.postgresUrl!)).toBe(false)
  })

  it('ends with its process when that is killed', async () => {
    const { child, url, directory } = await holdBroker(stateDirectory)
    expect(await answers(url)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await eventually(async () => !(await folders()).includes(directory))
    expect(await answers(url)).toBe(false)
  })

  it('clears away what a run left that was killed with its keeper', async () => {
    const { child, url, directory } = await holdBroker(stateDirectory)
    process.kill(Number(/-(\d+)-/.exec(directory)?.[1]), 'SIGKILL')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await eventually(async () => {
      await sweepPostgres(join(stateDirectory, 'broker'))
      return !(await folders()).includes(directory)
    })
    expect(await answers(url)).toBe(false)
  })

  it.runIf(process.getuid?.() === 0)('run by root finds another place when nobody else may enter var', async () => {
    const closed = await mkdtemp(join(tmpdir(), 'millrace-closed-'))
    let broker: Broker | undefined
    try {
      broker = await openBroker({ stateDirectory: join(closed, 'var'), logger })
      expect(broker.name).toBe('postgres')
    } finally {
      await broker?.close()
      await rm(closed, { recursive: true })
    }
  })
})

/** A process of its own that holds an embedded broker open. */
async function holdBroker(state: string) {
  const child = spawn(process.execPath, [HOLDER, state], { stdio: ['ignore', 'pipe', 'inherit'] })
  const before = new Set(await folders().catch(() => []))
  const [line] = await once(child.stdout, 'data')
  const { url } = JSON.parse(String(line)) as { url: string }
  const directory = (await folders()).find((folder) => !before.has(folder))!
  return { child, url, directory }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('it never came to hold')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
