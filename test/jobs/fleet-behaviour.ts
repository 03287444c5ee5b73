import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { FatalError, InputError, UnavailableError } from '#data/errors.ts'
import type { FeatureTable } from '#data/features.ts'
import { windowRows } from '#data/windows.ts'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { channelOf } from '#jobs/channel.ts'
import { type Fleet, type FleetOptions, startFleet } from '#jobs/fleet.ts'
import { type InferRoundResult, inferRound } from '#jobs/infer-round.ts'
import { jobOptions } from '#jobs/queues.ts'
import { trainRound } from '#jobs/train-round.ts'
import { answerFor, KNOTS } from './fixtures/serving.ts'
import { silentLogger as logger } from './silent-logger.ts'
import { makeTable, START } from './tables.ts'

const MODULES = {
  servingModule: new URL('./fixtures/serving.ts', import.meta.url).href,
  trainModule: new URL('./fixtures/trainer.ts', import.meta.url).href,
}
/** What a fleet must do on every broker. Call inside `describe`. */
export function fleetBehaviour(redisUrl: string | undefined): void {
  let directory: string
  let broker: Broker
  let fleet: Fleet | undefined
  const namespace = `t${randomBytes(4).toString('hex')}`

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-fleet-'))
    await mkdir(join(directory, 'models', 'cde'), { recursive: true })
    await writeFile(join(directory, 'models', 'cde', 'champion'), 'cde-1')
    broker = await openBroker({ redisUrl, stateDirectory: directory, namespace, logger })
  })
  afterAll(async () => {
    await broker?.removeQueues()
    await broker?.close()
    await rm(directory, { recursive: true, force: true })
  })
  afterEach(async () => {
    await fleet?.close()
    fleet = undefined
  })

  const start = async (options: Partial<FleetOptions> = {}) => {
    const modelsDirectory = join(directory, 'models')
    fleet = await startFleet({
      broker,
      workers: 2,
      queues: ['infer'],
      modelsDirectory,
      stalledInterval: 300,
      ...MODULES,
      logger,
      ...options,
    })
    return fleet
  }
  const everything = { from: START, to: START + 10_000 * HOUR }

  it('shares a round of inference between two worker processes and answers every window once', async () => {
    const tables = [makeTable('BTC', 300, 1), makeTable('ETH', 200, 2), makeTable('SOL', 40, 3)]
    await start({ env: { FIXTURE_PAUSE: '30' } })
    const steps: number[] = []
    const round = await inferRound({
      broker,
      tables,
      asOf: everything,
      progress: ({ done }) => steps.push(done),
    })
    expect(round.workers).toBe(2)
    expect(round.jobs).toBeGreaterThanOrEqual(8)
    expect(steps).toEqual(Array.from({ length: round.jobs }, (_, i) => i + 1))
    expect(round.servedBy).toEqual({ kind: 'cde', id: 'cde-1' })
    expect(round.failures).toEqual([])
    expect(round.degradations).toEqual([])
    for (const table of tables) expectAnswers(round, table)
  })

  it('finishes the round when a worker is killed midway', async () => {
    const { pids } = await start({ lockDuration: 1_000, env: { FIXTURE_PAUSE: '50' } })
    const tables = [makeTable('BTC', 400, 4)]
    const round = await inferRound({
      broker,
      tables,
      asOf: everything,
      rowsPerJob: 20,
      progress: ({ done }) => void (done === 4 && process.kill(pids[0], 'SIGKILL')),
    })
    expect(round.failures).toEqual([])
    expect(round.windows).toBe(windowRows(tables[0], KNOTS).length)
    expectAnswers(round, tables[0])
    expect(fleet?.lost.aborted).toBe(false)
  })

  it('gives up with the last words when the last worker is lost', async () => {
    const { pids, lost } = await start({ workers: 1, env: { FIXTURE_PAUSE: '5000' } })
    const round = inferRound({ broker, tables: [makeTable('BTC', 40, 5)], asOf: everything, signal: lost })
    setTimeout(() => process.kill(pids[0], 'SIGKILL'), 300)
    const error = await round.catch((thrown) => thrown)
    expect(error).toBeInstanceOf(UnavailableError)
    expect(error.message).toMatch(/no worker is left: the last one was killed by SIGKILL/)
  })

  it('gives up when nobody works', async () => {
    const round = inferRound({ broker, tables: [makeTable('BTC', 40, 6)], asOf: everything, timeout: 600 })
    const error = await round.catch((thrown) => thrown)
    expect(error).toBeInstanceOf(UnavailableError)
    expect(error.message).toMatch(/2 of 2 infer jobs are open .* start workers/)
    // What nobody waits for any more is not left to later workers.
    expect(await (await channelOf(broker, 'infer')).queue.count()).toBe(0)
  })

  it('fails a poisoned payload once, with what is wrong, and serves the rest of the round', async () => {
    await start({ workers: 1 })
    const bad = makeTable('BAD', 40, 7)
    bad.asOf[10] = bad.asOf[9]
    const good = makeTable('BTC', 40, 8)
    const round = await inferRound({ broker, tables: [bad, good], asOf: everything, rowsPerJob: 40 })
    expect(round.failures).toHaveLength(1)
    expect(round.failures[0].coins).toEqual(['BAD'])
    expect(round.failures[0].error).toBeInstanceOf(InputError)
    expect(round.failures[0].error.message).toBe('BAD: asOf must ascend by full hours at row 10')
    expect(round.degradations).toEqual(['no estimates for BAD: BAD: asOf must ascend by full hours at row 10'])
    expectAnswers(round, good)

    const { queue, events } = await channelOf(broker, 'infer')
    const payload = { round: 'poison', batch: [] } as never
    const job = await queue.add('infer', payload, jobOptions('infer', payload))
    await expect(job.waitUntilFinished(events)).rejects.toThrow(/InputError: infer job: batch: /)
    expect((await queue.getJob(job.id!))?.attemptsMade).toBe(1)
  })

  it('finishes what it holds when it is told to stop, and takes no more', async () => {
    const { pids } = await start({ workers: 1, env: { FIXTURE_PAUSE: '200' } })
    const round = inferRound({
      broker,
      tables: [makeTable('BTC', 80, 9)],
      asOf: everything,
      rowsPerJob: 40,
      timeout: 700,
      progress: ({ done }) => expect(done).toBe(1),
    })
    setTimeout(() => process.kill(pids[0], 'SIGTERM'), 100)
    const error = await round.catch((thrown) => thrown)
    expect(error.message).toMatch(/1 of 2 infer jobs are open/)
  })

  it('tells why a worker ended at its start', async () => {
    const env = { MILLRACE_NAMESPACE: 'Not A Namespace' }
    const error = await start({ env }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(FatalError)
    expect(error.message).toMatch(/ended with exit code 2 at its start: broker namespace "Not A Namespace" must be/)
  })

  it('trains in parallel in processes of their own and reports their progress', async () => {
    await start({ queues: ['train'] })
    const heard: string[] = []
    const requests = [{ seed: 1, fault: 'block' }, { seed: 2 }, { seed: 3, fault: 'input' }]
    const [first, second, third] = await trainRound<object, { id: string; pid: number }>({
      broker,
      requests,
      progress: ({ stage, done }, index) => heard.push(`${index} ${stage} ${done}`),
    })
    expect(first).toMatchObject({ ok: true, result: { id: 'model-1' } })
    expect(second).toMatchObject({ ok: true, result: { id: 'model-2' } })
    if (first.ok && second.ok) expect(new Set([...fleet!.pids, first.result.pid, second.result.pid]).size).toBe(4)
    expect(third.ok).toBe(false)
    if (!third.ok) {
      expect(third.error).toBeInstanceOf(InputError)
      expect(third.error.message).toBe('no coin named XYZ')
    }
    expect(heard).toContain('0 epochs 3')
    expect(heard).toContain('1 epochs 3')
  })

  it('ends a training that nobody waits for any more', async () => {
    await start({ queues: ['train'], workers: 1 })
    const stop = new AbortController()
    const requests = [{ seed: 4, fault: 'hang' }]
    const progress = () => stop.abort(new Error('enough'))
    await expect(trainRound({ broker, requests, signal: stop.signal, progress })).rejects.toThrow('enough')
    const [next] = await trainRound<object, { id: string }>({ broker, requests: [{ seed: 5 }] })
    expect(next).toMatchObject({ ok: true, result: { id: 'model-5' } })
  })

  function expectAnswers(round: InferRoundResult, table: FeatureTable): void {
    const rows = windowRows(table, KNOTS)
    const found = round.estimates.get(table.coin)!
    expect(found.asOf).toEqual(Float64Array.from(rows, (row) => table.asOf[row]))
    const expected = Float32Array.from([...rows].flatMap((row) => answerFor([table.values[row * 2] || 0])))
    expect(found.probabilities).toEqual(expected)
  }
}
