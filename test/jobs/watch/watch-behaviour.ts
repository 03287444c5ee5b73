import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Broker, type OpenBrokerOptions, openBroker } from '#jobs/broker.ts'
import { startFleet } from '#jobs/fleet.ts'
import { openRecords } from '#jobs/records.ts'
import { createBrokerLook, type FleetQueues, openFleetQueues } from '#jobs/watch/broker-look.ts'
import { createStatusCollector } from '#jobs/watch/collect.ts'
import { farewellQueue, sayFarewell, takeFarewells } from '#jobs/watch/farewell.ts'
import { type HttpEnd, startHttp } from '#jobs/watch/http.ts'
import { createProcessMetrics } from '#jobs/watch/metrics.ts'
import { observeWorker } from '#jobs/watch/observe-worker.ts'
import { createRoster } from '#jobs/watch/roster.ts'
import { createTelemetry } from '#jobs/watch/telemetry.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { startOtlpCollector } from './otlp-collector.ts'
import { HEALTHY } from './sample.ts'

const TOKEN = 'a-token-that-nobody-guesses'
const SECOND = 1000

/** What watching must see on every broker. Call inside `describe`. */
export function watchBehaviour(redisUrl: string | undefined): void {
  let directory: string
  let broker: Broker
  let queues: FleetQueues
  let end: HttpEnd
  const namespace = `t${randomBytes(4).toString('hex')}`
  const authorization = `Bearer ${TOKEN}`
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${end.url}/queues/api${path}`, { ...init, headers: { authorization, 'content-type': 'application/json' } })

  /** Another process' way to the same broker. */
  const openElsewhere = (options: Partial<OpenBrokerOptions> = {}) => {
    const postgresUrl = broker.workerEnvironment().MILLRACE_POSTGRES_URL
    return openBroker({ redisUrl, postgresUrl, stateDirectory: directory, namespace, logger, ...options })
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-watch-'))
    broker = await openBroker({ redisUrl, stateDirectory: directory, namespace, logger })
    queues = openFleetQueues(broker)
    end = await startHttp({
      status: async () => HEALTHY,
      ready: async () => [],
      metrics: async () => createProcessMetrics().registry,
      queues,
      token: TOKEN,
      port: 0,
      logger,
    })
  })
  afterAll(async () => {
    await end?.close()
    await broker?.removeQueues()
    await broker?.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('counts jobs by state, with the age of the oldest that waits, pauses and schedules', async () => {
    const { infer, hourly, dead } = queues
    await infer.add('infer', { n: 1 }, { jobId: 'first', timestamp: Date.now() - 90 * SECOND })
    await infer.add('infer', { n: 2 }, { jobId: 'second' })
    await infer.add('infer', { n: 3 }, { jobId: 'later', delay: 3_600_000 })
    await dead.add('letter', {})
    await hourly.pause()
    await hourly.upsertJobScheduler('hourly', { pattern: '0 * * * *', tz: 'UTC' }, { name: 'tick' })
    const look = await createBrokerLook(broker, queues, Date.now)()
    const status = Object.fromEntries(look.queues.map((one) => [one.queue, one]))
    expect(status.infer).toMatchObject({ waiting: 2, active: 0, delayed: 1, failed: 0, paused: false, workers: 0 })
    expect(status.infer.oldestSeconds).toBeGreaterThan(89)
    expect(status.infer.oldestSeconds).toBeLessThan(200)
    expect(status.dead.waiting).toBe(1)
    expect(status.hourly).toMatchObject({ paused: true, oldestSeconds: null })
    const next = look.schedules[0].next ?? 0
    expect(look.schedules).toEqual([{ schedule: 'hourly', pattern: '0 * * * *', next, paused: true }])
    expect(next % 3_600_000).toBe(0)
    await hourly.removeJobScheduler('hourly')
  })

  it('times every job of a worker by how it ended', async () => {
    const metrics = createProcessMetrics()
    const queue = broker.createQueue<unknown, unknown>('round')
    const ended = Promise.withResolvers<void>()
    let count = 0
    const worker = broker.createWorker<{ fails?: boolean }, number>('round', async (job) => {
      if (job.data.fails) throw new Error('as told')
      return 1
    })
    observeWorker(worker as never, metrics)
    for (const event of ['completed', 'failed'] as const) worker.on(event, () => ++count === 4 && ended.resolve())
    await queue.add('scan', {})
    await queue.add('fuse', {})
    await queue.add('fuse', { fails: true }, { attempts: 2 })
    await ended.promise
    await worker.close()
    const text = await metrics.registry.metrics()
    const counts = [...text.matchAll(/^millrace_job_seconds_count\{(.*)\} (\d+)$/gm)].map(([, labels, n]) => [
      labels,
      n,
    ])
    expect(Object.fromEntries(counts)).toEqual({
      'queue="round",name="scan",outcome="completed"': '1',
      'queue="round",name="fuse",outcome="completed"': '1',
      'queue="round",name="fuse",outcome="retried"': '1',
      'queue="round",name="fuse",outcome="failed"': '1',
    })
  })

  it('knows workers by name, misses one that goes without a word and none that says farewell', async () => {
    const clock = { offset: 0 }
    const now = () => Date.now() + clock.offset
    const records = openRecords(':memory:')
    const sources = {
      brokerName: broker.name,
      look: createBrokerLook(broker, queues, now),
      records,
      ledger: async () => undefined,
      roster: createRoster(records, now),
      due: () => 0,
      now,
    }
    // A collector of its own for each look: one keeps its answer for a second.
    const collect = () => createStatusCollector(sources)()
    const elsewhere = await openElsewhere()
    const workers = ['1@near', '2@far'].map((name) => elsewhere.createWorker('train', async () => 1, { name }))
    await Promise.all(workers.map((worker) => worker.waitUntilReady()))
    const before = await collect()
    expect(before.workers).toEqual(['1@near', '2@far'])
    expect(before.queues.find(({ queue }) => queue === 'train')?.workers).toBe(2)

    await sayFarewell(elsewhere, '1@near')
    await elsewhere.close()
    await collect()
    clock.offset += 31 * SECOND
    expect(await collect()).toMatchObject({ workers: [], lostWorkers: ['2@far'] })
  })

  it('hears the farewell of a worker process that is told to stop, and none of one that is killed', async () => {
    const farewells = farewellQueue(broker)
    const start = () =>
      startFleet({ broker, workers: 1, queues: ['infer'], modelsDirectory: directory, farewell: true, logger })
    const [stopped, killed] = await Promise.all([start(), start()])
    const gone = once(killed.lost, 'abort')
    process.kill(killed.pids[0], 'SIGKILL')
    await Promise.all([stopped.close(), gone])
    expect([...(await takeFarewells(farewells)).keys()]).toEqual([`${stopped.pids[0]}@${hostname()}`])
    expect(await takeFarewells(farewells)).toEqual(new Map())
  })

  it('traces a tick with its flow and all that the flow adds as one, and the next tick as another', async () => {
    const collector = await startOtlpCollector()
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.endpoint}/` }
    const traced = await createTelemetry(environment, 'millrace-up', logger)
    const fleet = await openElsewhere({ telemetry: traced?.telemetry })
    const infer = fleet.createQueue<object, unknown>('infer')
    const flows = fleet.createFlowProducer()
    const done = Promise.withResolvers<void>()
    let ticks = 0
    let rounds = 0
    const workers = [
      fleet.createWorker('daily', async () => {
        const flow = `flow-${++ticks}`
        if (ticks > 2) return
        const scan = { name: 'scan', queueName: 'retrain', data: {}, opts: { jobId: `${flow}.scan` } }
        await flows.add({
          name: 'fuse',
          queueName: 'retrain',
          data: {},
          opts: { jobId: `${flow}.fuse` },
          children: [scan],
        })
      }),
      fleet.createWorker('retrain', async (job) => {
        if (job.name === 'scan') await infer.add('infer', {}, { jobId: `${job.id}.part`, removeOnComplete: true })
      }),
    ]
    workers[1].on('completed', (job) => job.name === 'fuse' && ++rounds === 2 && done.resolve())
    const daily = fleet.createQueue('daily')
    const opts = { telemetry: { omitContext: true } }
    await daily.upsertJobScheduler('daily', { every: 150, limit: 2 }, { name: 'tick', opts })
    await done.promise
    await fleet.close()
    await traced?.shutdown()
    await collector.close()
    await queues.infer.obliterate({ force: true })

    const traceOf = (job: string) => {
      const spans = collector.spans.filter(({ attributes }) => attributes.get('bullmq.job.id') === job)
      return [...new Set(spans.map(({ traceId }) => traceId))]
    }
    const [first] = traceOf('flow-1.scan')
    const [second] = traceOf('flow-2.scan')
    expect(first).toMatch(/^[0-9a-f]{32}$/)
    expect(second).not.toBe(first)
    for (const job of ['scan', 'fuse', 'scan.part']) {
      expect([job, traceOf(`flow-1.${job}`)]).toEqual([job, [first]])
      expect([job, traceOf(`flow-2.${job}`)]).toEqual([job, [second]])
    }
    // The root of each is its tick.
    const ids = new Set(collector.spans.map(({ spanId }) => spanId))
    const roots = collector.spans.filter(
      ({ traceId, parentSpanId }) => traceId === first && !ids.has(parentSpanId ?? ''),
    )
    expect(roots.map(({ name }) => name)).toEqual([expect.stringContaining('daily')])
    expect([...collector.services]).toEqual(['millrace-up'])
  })

  it('shows the queues on the board and lets whoever has the token change them', async () => {
    await queues.infer.add('infer', { coin: 'BTC' }, { jobId: 'shown' })
    const page = await (await fetch(`${end.url}/queues`, { headers: { authorization } })).text()
    expect(page).toContain('<base href="/queues/" />')
    // Nothing but our own files is needed: what else the page names, the policy keeps it from loading.
    const scripts = [...page.matchAll(/<script defer src="([^"]+)"/g)].map(([, path]) => path)
    expect(scripts.length).toBeGreaterThan(0)
    for (const path of scripts) {
      expect((await fetch(`${end.url}/queues/${path}`, { headers: { authorization } })).status).toBe(200)
    }
    const shown = (await (await ask('/queues?activeQueue=infer&status=waiting')).json()) as {
      queues: { name: string; jobs: { id: string; data: unknown }[] }[]
    }
    expect(shown.queues.map(({ name }) => name)).toEqual(Object.keys(queues))
    const infer = shown.queues.find(({ name }) => name === 'infer')
    expect(infer?.jobs.find(({ id }) => id === 'shown')?.data).toEqual({ coin: 'BTC' })
    const stats = (await (await ask('/redis/stats')).json()) as { backend: string; version: string }
    expect(stats).toMatchObject({ backend: broker.name, version: expect.stringMatching(/^\d/) })

    expect((await ask('/queues/infer/pause', { method: 'PUT' })).status).toBe(200)
    expect(await queues.infer.isPaused()).toBe(true)
    expect((await ask('/queues/infer/resume', { method: 'PUT' })).status).toBe(200)
    expect(await queues.infer.isPaused()).toBe(false)
  })
}
