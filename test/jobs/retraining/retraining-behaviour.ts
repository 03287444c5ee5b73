import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Job, WaitingChildrenError } from 'bullmq'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { UnavailableError } from '#data/errors.ts'
import { SIMULATION_START } from '#data/providers/simulated.ts'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { channelOf } from '#jobs/channel.ts'
import { type Fleet, startFleet } from '#jobs/fleet.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import { type FleetRecords, openRecords, recordsFile } from '#jobs/records.ts'
import { RETRAINING_STEPS, type RetrainingJob, retrainingStepId } from '#jobs/retraining/flow.ts'
import { cancelRetraining } from '#jobs/retraining/lost.ts'
import { retrainOnce } from '#jobs/retraining/once.ts'
import { RetrainingOptions } from '#jobs/retraining/options.ts'
import { type RunningRetraining, startRetraining } from '#jobs/retraining/run-retraining.ts'
import { createRetrainingSteps } from '#jobs/retraining/steps.ts'
import { openRegistry } from '#models/registry.ts'
import { promoteVersions } from '#models/registry-promotion.ts'
import { TrainingOptions } from '#training/options.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const TRAINER = new URL('../fixtures/retrainer.ts', import.meta.url).href
const HOURS = 1000
const AS_OF = SIMULATION_START + (HOURS - 100) * HOUR

/** What retrainings must do on every broker. Call inside `describe`. */
export function retrainingBehaviour(redisUrl: string | undefined): void {
  let directory: string
  let broker: Broker
  let fleet: Fleet
  let records: FleetRecords
  let settings: RunSettings
  let running: RunningRetraining | undefined
  let flows = 0

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-retraining-'))
    const namespace = `t${randomBytes(4).toString('hex')}`
    broker = await openBroker({ redisUrl, stateDirectory: directory, namespace, logger })
    records = openRecords(recordsFile(directory))
    settings = {
      source: { source: 'simulated', seed: 3, hours: HOURS, coins: ['BTC', 'PEPE'] },
      coins: ['BTC'],
      seed: 5,
      training: TrainingOptions.parse({
        backend: 'wasm',
        threads: 1,
        knots: 8,
        architecture: { hidden: 4, width: 4, readout: 4, solver: 'euler' },
        cde: { epochs: 2, batch: 256 },
        hmm: { states: [3], restarts: 1, iterations: 6, knots: 8, rowsPerCoin: 400 },
      }),
      paths: { state: directory, models: join(directory, 'models'), reports: directory },
    } as unknown as RunSettings
    const modelsDirectory = settings.paths.models
    fleet = await startFleet({ broker, workers: 2, queues: ['train'], modelsDirectory, trainModule: TRAINER, logger })
  })
  afterEach(async () => {
    await running?.drain()
    running = undefined
  })
  afterAll(async () => {
    await fleet?.close()
    await broker?.removeQueues()
    await broker?.close()
    records?.close()
    await rm(directory, { recursive: true, force: true })
  })

  const newFlow = () => `daily-2026-01-${String(++flows).padStart(2, '0')}`
  const deps = (faults: Record<string, string> = {}) => ({
    broker,
    settings: { ...settings, training: { ...settings.training, faults } },
    retraining: RetrainingOptions.parse({}),
    records,
    logger,
    now: Date.now,
  })
  const retrain = async (change: Partial<RetrainingJob>, faults: Record<string, string> = {}) => {
    running = await startRetraining(deps(faults))
    const { flow = newFlow(), ...rest } = change
    const request = { asOf: AS_OF, kinds: ['hmm', 'cde'], seeds: [1], ...rest } satisfies Omit<RetrainingJob, 'flow'>
    const record = await retrainOnce({ broker, records }, flow, request as Omit<RetrainingJob, 'flow'>)
    await running.drain()
    running = undefined
    return record
  }
  const registry = () => openRegistry(settings.paths.models)
  const champions = async () => [await registry().find('cde', 'champion'), await registry().find('hmm', 'champion')]
  const verdicts = async () => (await registry().log()).entries.filter((entry) => 'gates' in entry)

  it('trains every kind with every seed, judges the best of each, and says what came of it', async () => {
    const record = await retrain({ seeds: [1, 2] })
    expect(record).toMatchObject({ flow: 'daily-2026-01-01', ok: true, promoted: [] })
    expect(record.endedAt).toBeGreaterThanOrEqual(record.startedAt)
    const [cdes, hmms] = [await registry().list('cde'), await registry().list('hmm')]
    expect([cdes.length, hmms.length]).toEqual([2, 2])
    const cards = await Promise.all(cdes.map(async (id) => (await registry().read('cde', id)).card))
    expect(cards.map(({ seed }) => seed).sort()).toEqual([1, 2])
    expect(cards.map(({ training }) => training).sort()).toEqual([
      'daily-2026-01-01.train.cde.1',
      'daily-2026-01-01.train.cde.2',
    ])
    // Nothing that was known after the full hour was used.
    const [verdict] = await verdicts()
    expect(verdict).toMatchObject({ test: { to: AS_OF + HOUR } })
    const [challenger] = [await registry().find('cde', 'challenger')]
    const scores = cards.map(({ id, metrics }) => ({ id, ...(metrics.validation as { macroF1: number }) }))
    expect(challenger).toBe(scores.sort((a, b) => b.macroF1 - a.macroF1)[0].id)
    expect(record.words).toContain(`cde ${challenger} is not promoted`)
  })

  it('goes on with the other kind where a training is killed, and the champion serves on', async () => {
    const [id] = await registry().list('cde')
    await promoteVersions(registry(), [{ kind: 'cde', id }], { now: Date.now(), force: 'the one that serves' })
    const record = await retrain({}, { 'cde.1': 'killed' })
    expect(record.ok).toBe(false)
    expect(record.words).toContain('There is no new CDE')
    expect(record.words).toContain('training of the CDE with seed 1 failed: the training process was killed by SIGKILL')
    expect((await champions())[0]).toBe(id)
    expect(fleet.lost.aborted).toBe(false)
    // The HMM was judged beside the champion CDE, not instead of it.
    expect((await verdicts()).at(-1)).toMatchObject({ versions: { cde: id } })
  })

  it('fails with the reasons where no training comes to anything, and the next retraining runs', async () => {
    const before = [await champions(), (await registry().log()).entries.length]
    const record = await retrain({}, { 'cde.1': 'memory', 'hmm.1': 'input' })
    expect(record).toMatchObject({ ok: false, promoted: [] })
    expect(record.words).toMatch(
      /^train failed: .*HMM with seed 1 failed: no coin named XYZ; .*CDE with seed 1 failed: out of memory: .*The champions stay/,
    )
    expect([await champions(), (await registry().log()).entries.length]).toEqual(before)
    expect(await retrain({ kinds: ['hmm'] })).toMatchObject({ ok: true })
  })

  it('can be cancelled while it trains', async () => {
    const { queue, events } = await channelOf(broker, 'train')
    const flow = newFlow()
    const queues = { retrain: broker.createQueue<RetrainingJob, unknown>('retrain'), train: queue as never }
    const request = { asOf: AS_OF, kinds: ['hmm' as const], seeds: [1, 2, 3] }
    const begun = Promise.withResolvers<void>()
    const heard = ({ jobId }: { jobId: string }) => jobId.startsWith(flow) && begun.resolve()
    events.on('progress', heard)
    const record = retrain({ flow, ...request }, { 'hmm.1': 'hang', 'hmm.2': 'hang', 'hmm.3': 'hang' })
    await Promise.race([begun.promise, record])
    events.off('progress', heard)
    expect(await cancelRetraining(queues, { flow, ...request })).toBe(3)
    expect(await record).toMatchObject({ ok: false, promoted: [] })
    expect((await record).words).toContain('the training was cancelled')
  })

  it('fails as a whole where a step fails for good', async () => {
    const broken = { ...settings, coins: ['XYZ'] }
    running = await startRetraining({ ...deps(), settings: broken })
    const request = { asOf: AS_OF, kinds: ['hmm' as const], seeds: [1] }
    const flow = newFlow()
    const record = await retrainOnce({ broker, records }, flow, request)
    expect(record).toMatchObject({ ok: false })
    expect(record.words).toMatch(/^refresh failed: .*XYZ/)
    const queue = broker.createQueue('retrain')
    expect(await queue.getJobState(retrainingStepId(flow, 'promote'))).toBe('failed')
  })

  it('is handed back where the process stops, and goes on in the next one', async () => {
    const flow = newFlow()
    const judging = Promise.withResolvers<void>()
    const watched: FleetRecords = {
      ...records,
      putRetraining(record) {
        records.putRetraining(record)
        if (record.words.startsWith('evaluate')) judging.resolve()
      },
    }
    const first = await startRetraining({ ...deps(), records: watched })
    const record = retrainOnce({ broker, records }, flow, { asOf: AS_OF, kinds: ['hmm'], seeds: [1] })
    await Promise.race([judging.promise, record])
    await first.drain()
    expect(records.retrainings(1)).toMatchObject([{ flow, endedAt: null }])
    running = await startRetraining(deps())
    expect(await record).toMatchObject({ ok: true })
    const step = await broker.createQueue('retrain').getJob(retrainingStepId(flow, 'evaluate'))
    expect(step?.attemptsMade).toBe(1)
  })

  it('has an end where the broker has lost it', async () => {
    const flow = newFlow()
    const startedAt = Date.now()
    const words = 'train is under way'
    records.putRetraining({ flow, startedAt, endedAt: null, ok: null, words, promoted: [] })
    running = await startRetraining(deps())
    const [found] = records.retrainings(100).filter((one) => one.flow === flow)
    expect(found).toMatchObject({ ok: false, startedAt, endedAt: expect.any(Number) })
    expect(found.words).toMatch(/^lost while train is under way: the broker has forgotten it. The champions stay/)
  })

  it('changes nothing where every step is taken twice', async () => {
    const flow = newFlow()
    const request = { asOf: AS_OF, kinds: ['hmm' as const], seeds: [1] }
    // Of each step all is done, and its process is killed before it can write down that it was.
    const killed = new Set<string>()
    const forgetful = {
      ...records,
      putNote(name: string, value: string) {
        const { results } = JSON.parse(value) as { results: object }
        const step = Object.keys(results).find((one) => !killed.has(one))
        if (step) killed.add(step)
        if (step) throw new UnavailableError('killed')
        records.putNote(name, value)
      },
    }
    const first = createRetrainingSteps({ ...deps(), records: forgetful })
    const second = createRetrainingSteps(deps())
    const worker = broker.createWorker<unknown, unknown>('retrain', async (job, token, signal) => {
      await expect(first(job as unknown as Job, token, signal)).rejects.toThrow(/killed|movedToWaitingChildren/)
      if (!killed.has(job.name)) throw new WaitingChildrenError()
      return second(job as unknown as Job, token, signal)
    })
    const record = await retrainOnce({ broker, records, pause: 10 }, flow, request)
    await worker.close()
    expect([...killed]).toEqual([...RETRAINING_STEPS])
    expect(record.ok).toBe(true)
    const made = await Promise.all((await registry().list('hmm')).map((id) => registry().read('hmm', id)))
    expect(made.filter(({ card }) => card.training === `${flow}.train.hmm.1`)).toHaveLength(1)
    const [id] = made.filter(({ card }) => card.training?.startsWith(flow)).map(({ card }) => card.id)
    expect((await registry().moves()).filter(({ to }) => to === id)).toHaveLength(1)
    const own = (await verdicts()).filter((entry) => 'versions' in entry && entry.versions.hmm === id)
    expect(own.map((entry) => JSON.stringify(entry))).toEqual([...new Set(own.map((entry) => JSON.stringify(entry)))])
    expect(own.length).toBeGreaterThan(0)
    expect(records.retrainings(100).filter((one) => one.flow === flow)).toEqual([record])
  })
}
