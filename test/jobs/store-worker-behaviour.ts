import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Job } from 'bullmq'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import type { Feature } from '#data/features.ts'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { channelOf } from '#jobs/channel.ts'
import { cutJobs } from '#jobs/cut-jobs.ts'
import { type Fleet, type FleetOptions, startFleet } from '#jobs/fleet.ts'
import { inferResultSchema, jobOptions, type QueueName } from '#jobs/queues.ts'
import { identified, runRound } from '#jobs/round.ts'
import { openRegistry } from '#models/registry.ts'
import { promoteVersions } from '#models/registry-promotion.ts'
import { openFolderStore } from '#models/store/folder-store.ts'
import { publishIndex } from '#models/store/index-object.ts'
import { temporaryFolder, workingVersion } from '../models/versions.ts'
import { silentLogger as logger } from './silent-logger.ts'
import { makeTable, START } from './tables.ts'

const FIXTURES = {
  servingModule: new URL('./fixtures/serving.ts', import.meta.url).href,
  trainModule: new URL('./fixtures/trainer.ts', import.meta.url).href,
}
/** So many while the champion changes five times; `MILLRACE_CHAOS=long` takes its time. */
const JOBS = process.env.MILLRACE_CHAOS === 'long' ? 2_000 : 600
const CHANGES = 5
const BATCH = 25
const PATIENCE = { timeout: 30_000, interval: 50 }

/** What workers must do that have nothing but the broker and the model store. Call inside `describe`. */
export function storeWorkerBehaviour(redisUrl: string | undefined): void {
  let broker: Broker
  let fleets: Fleet[] = []

  beforeAll(async () => {
    const namespace = `t${randomBytes(4).toString('hex')}`
    broker = await openBroker({ redisUrl, stateDirectory: temporaryFolder(), namespace, logger })
  })
  afterAll(async () => {
    await broker?.removeQueues()
    await broker?.close()
  })
  afterEach(async () => {
    await Promise.all(fleets.map((fleet) => fleet.close()))
    fleets = []
  })

  const start = async (options: Partial<FleetOptions>) => {
    const fleet = await startFleet({ broker, workers: 1, queues: ['infer'], threads: 1, logger, ...options })
    fleets.push(fleet)
    return fleet
  }

  it('follow the champion of the store through five changes under load, without a failed job', async () => {
    const storeDirectory = join(temporaryFolder(), 'store')
    const store = openFolderStore(storeDirectory)
    const home = openRegistry(temporaryFolder())
    /** Oldest first; each is in here before anybody can know of it. */
    const champions: string[] = []
    const promote = async () => {
      const { kind, id } = await home.save(workingVersion('cde', champions.length + 1))
      champions.push(id)
      await promoteVersions(home, [{ kind, id }], { now: Date.now(), force: 'test' })
      await publishIndex(store, home)
    }
    await promote()
    const place = { store: { url: storeDirectory }, stateDirectory: temporaryFolder(), followInterval: 50 }
    await start({ workers: 2, concurrency: 4, ...place })

    /** By worker: the newest champion that it has answered with, as an index. */
    const newest = new Map<string, number>()
    const faults: string[] = []
    const served = new Set<string>()
    let answers = 0
    const { channels, knots } = workingVersion('cde', 1).content
    const table = makeTable('BTC', knots + 8, 1, 0, channels as Feature[])
    const [payload] = cutJobs({ tables: [table], asOf: { from: START + knots * HOUR, to: START + 10_000 * HOUR } })

    const askBatch = async () => {
      // What is asked for now cannot be answered by a champion that its worker has left behind.
      const before = new Map(newest)
      const payloads = Array.from({ length: BATCH }, () => ({ ...payload, round: randomBytes(12).toString('hex') }))
      const parse = (value: unknown) => inferResultSchema.parse(value)
      for (const outcome of await runRound({
        broker,
        queue: 'infer',
        jobs: payloads.map(identified),
        parse,
        patience: 60_000,
      })) {
        answers++
        if (!outcome.ok) {
          faults.push(outcome.error.message)
          continue
        }
        const { servedBy, degradations, worker, windows } = outcome.result
        const champion = champions.indexOf(servedBy.id ?? '')
        const atLeast = before.get(worker) ?? 0
        if (champion < atLeast) faults.push(`${worker} served champion ${champion} after ${atLeast}`)
        if (windows !== 8) faults.push(`${windows} windows`)
        faults.push(...degradations)
        newest.set(worker, Math.max(champion, newest.get(worker) ?? 0))
        served.add(servedBy.id ?? 'none')
      }
    }
    const enough = () => answers >= JOBS && served.has(champions[CHANGES])
    const asking = async () => {
      while (!enough() && faults.length === 0) await askBatch()
    }
    const promoting = async () => {
      while (champions.length <= CHANGES && faults.length === 0) {
        await askBatch()
        if (answers >= (champions.length * JOBS) / (CHANGES + 1) && served.has(champions.at(-1)!)) await promote()
      }
      await asking()
    }
    await Promise.all([asking(), asking(), asking(), promoting()])
    expect(faults).toEqual([])
    expect(answers).toBeGreaterThanOrEqual(JOBS)
    expect([...served]).toEqual(champions)
    expect(newest.size).toBe(2)
  }, 120_000)

  it.each(['infer', 'train'] as const)(
    'give back a %s job that is over the limit, and another does it',
    async (name: QueueName) => {
      const directory = join(temporaryFolder(), 'models')
      await mkdir(join(directory, 'cde'), { recursive: true })
      await writeFile(join(directory, 'cde', 'champion'), 'cde-1')
      const shared = { queues: [name], modelsDirectory: directory, drainLimit: 200, ...FIXTURES }
      const first = await start({ ...shared, env: { FIXTURE_PAUSE: '60000' } })
      const { queue } = await channelOf(broker, name)
      const table = makeTable('BTC', 40, 3)
      const data =
        name === 'infer'
          ? cutJobs({ tables: [table], asOf: { from: START, to: START + 10_000 * HOUR } })[0]
          : {
              round: randomBytes(8).toString('hex'),
              request: { seed: 1, fault: 'hang', unless: join(directory, 'mended') },
            }
      const job = await queue.add(name, data, { ...jobOptions(name, data), attempts: 1 })
      const stateOf = () => queue.getJobState(job.id!)
      // A training says that it has begun by its progress: its process takes a while to start.
      if (name === 'infer') await expect.poll(stateOf, PATIENCE).toBe('active')
      else await expect.poll(async () => (await queue.getJob(job.id!))?.progress, PATIENCE).toMatchObject({ done: 3 })
      await writeFile(join(directory, 'mended'), '')
      await first.close()
      const waiting = (await queue.getJob(job.id!)) as Job
      expect(await waiting.getState()).toBe('waiting')
      expect(waiting.attemptsMade).toBe(0)
      expect(waiting.stalledCounter).toBe(0)

      await start(shared)
      await expect.poll(stateOf, PATIENCE).toBe('completed')
      const done = (await queue.getJob(job.id!)) as Job
      expect(done.returnvalue).toMatchObject(name === 'infer' ? { servedBy: { id: 'cde-1' } } : { id: 'model-1' })
      expect(done.attemptsMade).toBe(1)
    },
  )
}
