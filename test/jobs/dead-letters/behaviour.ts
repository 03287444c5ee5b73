import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Job, type Processor, UnrecoverableError } from 'bullmq'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError, ModelError, UnavailableError } from '#data/errors.ts'
import type { Windows } from '#data/windows.ts'
import { type Broker, brokerEnvironment, openBroker } from '#jobs/broker.ts'
import { cleanQueues } from '#jobs/clean-queues.ts'
import { cutJobs } from '#jobs/cut-jobs.ts'
import { poisonLetters } from '#jobs/dead-letters/letter.ts'
import { replayLetter } from '#jobs/dead-letters/replay.ts'
import { countLetters, dropLetter, expireLetters, findLetter, letters, putLetters } from '#jobs/dead-letters/store.ts'
import { sweepDeadLetters } from '#jobs/dead-letters/sweep.ts'
import { toJobFailure } from '#jobs/failures.ts'
import { startFleet } from '#jobs/fleet.ts'
import { FLEET_QUEUES, type FleetQueue } from '#jobs/fleet-queues.ts'
import { inferRound } from '#jobs/infer-round.ts'
import { flowProducerOf, queueOf } from '#jobs/queue-of.ts'
import { fleetJobOptions, type InferJob, type InferResult, keptFor } from '#jobs/queues.ts'
import { trainingId } from '#jobs/retraining/flow.ts'
import { stepId } from '#jobs/rounds/flow.ts'
import { createInferProcessor } from '#jobs/workers/infer.ts'
import type { ServingOpener } from '#jobs/workers/open-serving.ts'
import { openModels } from '../fixtures/serving.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { makeTable, START } from '../tables.ts'

const DEADLY = new URL('../fixtures/deadly-serving.ts', import.meta.url).href
const DAY = 24 * HOUR

/** What becomes of jobs that fail for good, on every broker. Call inside `describe`. */
export function deadLetterBehaviour(redisUrl: string | undefined): void {
  let directory: string
  let broker: Broker
  /** Another process, as far as the broker knows. */
  let other: Broker
  const closing: (() => Promise<unknown>)[] = []
  const namespace = `t${randomBytes(4).toString('hex')}`

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-dead-'))
    await mkdir(join(directory, 'models', 'cde'), { recursive: true })
    await writeFile(join(directory, 'models', 'cde', 'champion'), 'cde-1')
    broker = await openBroker({ redisUrl, stateDirectory: directory, namespace, logger })
    const address = brokerEnvironment(broker.workerEnvironment())
    other = await openBroker({ ...address, stateDirectory: directory, logger })
    for (const name of FLEET_QUEUES) queueOf(broker, name)
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
    for (const name of FLEET_QUEUES) await queueOf(broker, name).obliterate({ force: true })
  })
  afterAll(async () => {
    await other?.close()
    await broker?.close()
    await rm(directory, { recursive: true, force: true })
  })

  const work = (queue: FleetQueue, processor: Processor) => {
    const worker = broker.createWorker(queue, processor as never)
    closing.push(() => worker.close())
    return worker
  }
  const inferWith = (open: ServingOpener) => {
    const modelsDirectory = join(directory, 'models')
    const processor = createInferProcessor({ modelsDirectory, open, now: Date.now, logger })
    closing.push(() => processor.close())
    work('infer', (job) => processor.process(job))
  }
  /** Adds a job and resolves when it has ended, for good or not. */
  const ended = async (
    queue: FleetQueue,
    data: unknown,
    { name = 'job', jobId = `j${randomBytes(4).toString('hex')}` }: { name?: string; jobId?: string } = {},
  ): Promise<Job> => {
    const events = await broker.createQueueEvents(queue)
    const job = await queueOf(broker, queue).add(name, data, { ...fleetJobOptions(queue, jobId), backoff: 1 })
    await job.waitUntilFinished(events as never).catch(() => {})
    await events.close()
    return (await queueOf(broker, queue).getJob(jobId)) as Job
  }
  const sweep = (by: Broker = broker, now = Date.now()) => sweepDeadLetters(by, { logger, now })
  const allLetters = async (queue?: FleetQueue) => Array.fromAsync(letters(broker, queue))
  const asOf = { from: START, to: START + DAY }

  it('one poisoned coin in 200 costs no other its estimate, and can be looked into', async () => {
    const tables = Array.from({ length: 200 }, (_, i) => makeTable(`C${i}`, 8, i, 0))
    tables[17].asOf[3] = tables[17].asOf[2]
    inferWith(refusing(new Set(['C171'])))
    const round = await inferRound({ broker, tables, asOf, rowsPerJob: 10_000, batchCoins: 32 })
    expect(round.failures.map(({ coins, error }) => [coins, error.message])).toEqual([
      [['C17'], 'C17: asOf must ascend by full hours at row 3'],
      [['C171'], 'cannot make sense of C171'],
    ])
    expect(round.failures.map(({ error }) => error.constructor)).toEqual([InputError, ModelError])
    expect(round.jobs).toBe(7)
    expect(round.estimates.size).toBe(198)
    expect(round.servedBy).toEqual({ kind: 'cde', id: 'cde-1' })

    // As a round does it, and once more after a crash.
    for (let twice = 0; twice < 2; twice++) {
      for (const job of await queueOf<InferJob, InferResult>(broker, 'infer').getCompleted()) {
        await putLetters(broker, poisonLetters(job.returnvalue, { id: job.id!, data: job.data }, Date.now() + twice))
      }
    }
    const kept = await allLetters('infer')
    expect(kept.map(({ cause }) => cause).sort()).toEqual([
      'InputError: C17: asOf must ascend by full hours at row 3',
      'ModelError: cannot make sense of C171',
    ])
    for (const { payload } of kept) expect((payload as InferJob).batch).toHaveLength(1)
  })

  it('a job that kills every worker ends as a letter, and the others are answered', async () => {
    const options = { queues: ['infer'] as const, workers: 5, modelsDirectory: join(directory, 'models'), threads: 1 }
    const times = { lockDuration: 400, stalledInterval: 150 }
    const fleet = await startFleet({ broker, ...options, ...times, servingModule: DEADLY, logger })
    closing.push(() => fleet.close())
    const tables = ['BTC', 'DEADLY', 'ETH', 'SOL'].map((coin, i) => makeTable(coin, 8, i, 0))
    const round = await inferRound({ broker, tables, asOf, rowsPerJob: 10_000, batchCoins: 1, signal: fleet.lost })
    expect([...round.estimates.keys()].sort()).toEqual(['BTC', 'ETH', 'SOL'])
    expect(round.failures.map(({ coins }) => coins)).toEqual([['DEADLY']])
    expect(await sweep()).toMatchObject({ letters: 1 })
    const [letter] = await allLetters()
    expect(letter).toMatchObject({ queue: 'infer', attempts: 4, cause: expect.stringMatching(/stalled more than/) })
    expect((letter.payload as InferJob).batch.map(({ coin }) => coin)).toEqual(['DEADLY'])
  })

  it('a job is done by its replay once the cause is gone', async () => {
    const bad = new Set(['BTC'])
    inferWith(refusing(bad))
    const [payload] = cutJobs({ tables: [makeTable('BTC', 8, 1, 0)], asOf, round: 'r' })
    const failed = await ended('infer', payload)
    await sweep()
    const [letter] = await allLetters()
    expect(letter).toMatchObject({ job: failed.id, flow: 'r', attempts: 1, failedAt: failed.finishedOn, payload })
    expect(letter.replayed).toBeUndefined()
    expect(await countLetters(broker)).toBe(1)

    const again = await replayLetter(broker, letter, 7)
    expect(await outcome('infer', again.job)).toMatch(/cannot make sense of BTC/)
    bad.clear()
    const last = await replayLetter(broker, await findLetter(broker, letter.id), 8)
    expect(last.job).not.toBe(again.job)
    expect(await outcome('infer', last.job)).toBe('completed')
    const done = await queueOf<InferJob, InferResult>(broker, 'infer').getJob(last.job)
    expect(done?.returnvalue.windows).toBe(5)
    expect(done?.opts.attempts).toBe(fleetJobOptions('infer', 'x').attempts)

    expect(await findLetter(broker, letter.id)).toEqual({ ...letter, replayed: { at: 8, job: last.job, times: 2 } })
    // What was replayed waits for nobody; the replay that failed has a letter of its own.
    expect(await countLetters(broker)).toBe(0)
    await sweep()
    expect((await allLetters()).map(({ job }) => job).sort()).toEqual([again.job, failed.id].sort())
  })

  it('a replay that crashed before it said so, and is asked for again, is one job', async () => {
    const payload = { round: 'r', request: {} }
    work('train', () => Promise.reject(new UnrecoverableError('InputError: no')))
    await ended('train', payload)
    await sweep()
    const [letter] = await allLetters()
    const [first, second] = [await replayLetter(broker, letter, 1), await replayLetter(broker, letter, 2)]
    expect(second.job).toBe(first.job)
  })

  it('a step that is replayed brings those that come after it, in their order', async () => {
    const data = { flow: 'hourly-2025-01-01T00', asOf: START }
    let broken = true
    const taken: string[] = []
    const worker = work('round', async (job) => {
      if (broken) throw new UnrecoverableError('FatalError: the disk is full')
      taken.push(job.name)
    })
    const node = (name: string, opts: object, children?: object[]) => {
      const id = stepId(START, name as 'wheel')
      return {
        name,
        queueName: 'round',
        data: { ...data, batches: 3 },
        opts: { ...fleetJobOptions('round', id), ...opts },
        children,
      }
    }
    const bottom = node('wheel', { failParentOnFailure: true })
    await flowProducerOf(broker).add(
      node('integrity', {}, [node('ledger', { failParentOnFailure: true }, [bottom])]) as never,
    )
    await eventually(async () => (await queueOf(broker, 'round').getFailedCount()) === 3)
    await sweep()
    // Parents that failed with their child have no letter of their own.
    const found = await allLetters()
    expect(found.map(({ name }) => name)).toEqual(['wheel'])
    broken = false
    const through = new Promise((resolve) => worker.on('completed', (job) => job.name === 'integrity' && resolve(job)))
    const replay = await replayLetter(broker, found[0], 1)
    expect(replay.steps).toEqual(['wheel', 'ledger', 'integrity'])
    const last = (await through) as Job
    expect(last.id).toBe(replay.job)
    // Without what a step had noted for itself.
    expect(last.data).toEqual(data)
    expect(taken).toEqual(['wheel', 'ledger', 'integrity'])
  })

  it('a retraining that is replayed has its failed trainings asked for anew', async () => {
    const request = { flow: 'daily-2025-01-01', asOf: START, kinds: ['cde' as const], seeds: [1, 2] }
    const [failing, fine] = request.seeds.map((seed) => trainingId(request.flow, 'cde', seed))
    work('train', async (job) => {
      if (job.id === failing) throw new UnrecoverableError('FatalError: no memory left')
    })
    work('retrain', async (job) => {
      if (job.name === 'train') throw new UnrecoverableError('FatalError: no training came to anything')
    })
    for (const jobId of [failing, fine]) await ended('train', { round: request.flow, request: {} }, { jobId })
    await ended('retrain', request, { name: 'train' })
    await sweep()
    const [letter] = await allLetters('retrain')
    const { steps } = await replayLetter(broker, letter, 1)
    expect(steps).toEqual(['train', 'evaluate', 'export', 'promote'])
    const states = await Promise.all([failing, fine].map((id) => queueOf(broker, 'train').getJobState(id)))
    expect(states).toEqual(['unknown', 'completed'])
  })

  it('a failure makes one letter, however often and by whomever it is swept', async () => {
    work('infer', () => Promise.reject(toJobFailure(new UnavailableError('the store does not answer'))))
    const job = await ended('infer', { round: 'r' })
    expect(job.attemptsMade).toBe(4)
    expect(await sweep()).toEqual({ letters: 1, dropped: 0 })
    expect(await sweep()).toEqual({ letters: 0, dropped: 0 })
    // Another process, and this one after it has forgotten.
    expect(await sweep(other)).toEqual({ letters: 0, dropped: 0 })
    expect(await sweep(broker, Date.now() + 2 * HOUR)).toEqual({ letters: 0, dropped: 0 })
    const [letter] = await allLetters()
    // As after a crash between letter and mark.
    await job.updateProgress({})
    await Promise.all([sweep(broker, Date.now() + 4 * HOUR), sweep(other, Date.now() + 4 * HOUR)])
    expect(await allLetters()).toEqual([letter])
    // The failed job stays for whoever asked for it.
    expect(await job.getState()).toBe('failed')

    expect(await dropLetter(broker, letter.id)).toBe(true)
    expect(await dropLetter(broker, letter.id)).toBe(false)
    await sweep(broker, Date.now() + 6 * HOUR)
    expect(await allLetters()).toEqual([])
    await expect(findLetter(broker, letter.id)).rejects.toThrow(InputError)

    // Retried in place it fails anew, which is another failure.
    const events = await broker.createQueueEvents('infer')
    await job.retry('failed', { resetAttemptsMade: true })
    await job.waitUntilFinished(events as never).catch(() => {})
    await events.close()
    await sweep(broker, Date.now() + 8 * HOUR)
    const [next] = await allLetters()
    expect(next).toMatchObject({ job: letter.job, cause: letter.cause })
    expect(next.id).not.toBe(letter.id)
  })

  it('holds no secret, and tells nothing of what nobody wanted', async () => {
    const words = 'connect to redis://fleet:planted-password@10.0.0.5:6379: refused'
    work('train', async (job) => {
      if (job.data.cancelled) throw toJobFailure(new InputError('the job was cancelled before it began'))
      throw new UnrecoverableError(words)
    })
    await ended('train', { round: 'r', request: {} })
    await ended('train', { round: 'r', request: {}, cancelled: true })
    await sweep()
    const found = await allLetters()
    expect(found.map(({ cause }) => cause)).toEqual(['connect to redis://fleet:***@10.0.0.5:6379: refused'])
    for (const name of FLEET_QUEUES) {
      const jobs = await queueOf(broker, name).getJobs()
      expect(JSON.stringify(jobs.map((job) => job.asJSON()))).not.toContain('planted')
    }
  })

  it('is dropped when it is too old, or one too many: what was replayed first, then the oldest', async () => {
    const now = Date.now()
    const letter = (i: number, failedAt: number) => {
      const rest = { name: 'infer', job: `j${i}`, payload: {}, cause: 'x', attempts: 1, flow: null }
      return { id: `infer-${i}`, queue: 'infer' as const, failedAt, ...rest }
    }
    await putLetters(broker, [letter(0, now - 31 * DAY), letter(1, now - 29 * DAY)])
    await putLetters(
      broker,
      [2, 3, 4, 5].map((i) => letter(i, now - DAY)),
    )
    await replayLetter(broker, await findLetter(broker, 'infer-5'), now)
    await replayLetter(broker, await findLetter(broker, 'infer-0'), now)
    expect(await expireLetters(broker, now)).toBe(1)
    const ids = async () => (await allLetters()).map(({ id }) => id)
    expect(await ids()).toEqual(['infer-4', 'infer-3', 'infer-2', 'infer-1', 'infer-5'])
    expect(await expireLetters(broker, now, { age: 30 * DAY, count: 3 } as never)).toBe(2)
    expect(await ids()).toEqual(['infer-4', 'infer-3', 'infer-2'])
    expect(await expireLetters(broker, now + 30 * DAY)).toBe(3)
  })

  it('goes before the failed job does, and jobs are kept as long as is said', async () => {
    work('infer', async (job) => {
      if (job.data.fail) throw new UnrecoverableError('no')
    })
    await ended('infer', { round: 'r' })
    await ended('infer', { round: 'r', fail: true })
    const { completed, failed } = keptFor('infer')
    const counts = async () => {
      const found = await queueOf(broker, 'infer').getJobCounts('completed', 'failed')
      return [found.completed, found.failed]
    }
    await cleanQueues(other, Date.now() + completed - 60_000)
    expect(await counts()).toEqual([1, 1])
    // This one has not swept: what failed may have no letter yet.
    const stranger = await openBroker({
      ...brokerEnvironment(broker.workerEnvironment()),
      stateDirectory: directory,
      logger,
    })
    closing.push(() => stranger.close())
    await cleanQueues(stranger, Date.now() + failed + 60_000)
    expect(await counts()).toEqual([0, 1])
    await sweep(stranger)
    await cleanQueues(stranger, Date.now() + failed - 60_000)
    expect(await counts()).toEqual([0, 1])
    await cleanQueues(stranger, Date.now() + failed + 60_000)
    expect(await counts()).toEqual([0, 0])
    expect(await allLetters()).toHaveLength(1)
  })

  /** How a job ended: `completed`, or why not. */
  async function outcome(queue: FleetQueue, id: string): Promise<string> {
    const events = await broker.createQueueEvents(queue)
    const job = (await queueOf(broker, queue).getJob(id)) as Job
    try {
      await job.waitUntilFinished(events as never)
      return 'completed'
    } catch (error) {
      return (error as Error).message
    } finally {
      await events.close()
    }
  }
}

/** A model that makes nothing of some coins. */
function refusing(bad: ReadonlySet<string>): ServingOpener {
  return async (directory, options) => {
    const serving = await openModels(directory, options)
    const model = serving.model!
    const estimate = async (windows: Windows) => {
      const found = windows.coin.find((coin) => bad.has(coin))
      if (found) throw new ModelError(`cannot make sense of ${found}`)
      return model.estimate(windows)
    }
    return { ...serving, model: { ...model, estimate } }
  }
}

async function eventually(is: () => Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise((resolve) => setTimeout(resolve, 20))
}
