import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { beforeAll, describe, expect, it } from 'vitest'
import { BackendError, InputError } from '#data/errors.ts'
import type { Progress } from '#data/progress.ts'
import { buildWindows, windowRows } from '#data/windows.ts'
import { sha256 } from '#models/card.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import type { ServedKind } from '#models/regime.ts'
import { ONNX_FILE, openRegistry } from '#models/registry.ts'
import { openServing } from '#models/serving.ts'
import { type TrainingRequest, type TrainingResult, train } from '#training/train.ts'
import { temporaryFolder } from '../models/versions.ts'
import { failFrom } from './parallel/failing-kernel.ts'
import { NOW, prepared, REQUEST, TINY } from './simulated.ts'

const logger = pino({ level: 'silent' })

function requestOf(kind: ServedKind, change: Partial<TrainingRequest> = {}): TrainingRequest {
  return { kind, dataset: REQUEST, options: TINY, seed: 5, models: temporaryFolder(), ...change }
}

function run(request: TrainingRequest, progress: (progress: Progress) => void = () => {}, signal?: AbortSignal) {
  return train(request, { progress, logger, now: () => NOW, signal })
}

describe.each(['cde', 'hmm'] as const)('a training of the %s', (kind) => {
  const models = temporaryFolder()
  const progress: Progress[] = []
  let result: TrainingResult
  beforeAll(async () => {
    result = await run(requestOf(kind, { models }), (step) => progress.push(step))
  })

  it('leaves a version whose graph is the one that was compared with the model', async () => {
    expect(result.kind).toBe(kind)
    expect(result.maxAbsDiff).toBeLessThan(1e-5)
    expect(result.sha256).toBe(sha256(await readFile(result.path)))
    expect(await openRegistry(models).list(kind)).toEqual([result.id])
  })

  it('is done once under one key, also by a process that knows nothing of the first', async () => {
    const keyed = temporaryFolder()
    const first = await run(requestOf(kind, { models: keyed, key: 'daily.1' }))
    const again = await train(requestOf(kind, { models: keyed, key: 'daily.1' }), {
      progress: () => {},
      logger,
      now: () => NOW + 60_000,
    })
    expect(again).toEqual({ ...first, [kind]: undefined, seconds: 0 })
    expect(await openRegistry(keyed).list(kind)).toEqual([first.id])
    const other = await train(requestOf(kind, { models: keyed, key: 'daily.2' }), {
      progress: () => {},
      logger,
      now: () => NOW + 60_000,
    })
    expect(other.id).not.toBe(first.id)
  })

  it('writes a card that says where the model comes from', async () => {
    const { card } = await openRegistry(models).read(kind, result.id)
    const { split, hash, label } = await prepared()
    expect(card.data).toEqual({
      hash,
      origin: 'simulated:3',
      coins: ['BTC', 'PEPE'],
      range: { from: split.train.from, to: split.test.from },
    })
    expect(card).toMatchObject({ seed: 5, createdAt: NOW, label: { w: label.halfWidth, kappa: label.kappa } })
    expect(card.parity).toEqual({ maxAbsDiff: result.maxAbsDiff, windows: expect.any(Number) })
    expect(card.parity.windows).toBeGreaterThan(50)
    expect(card.metrics.validation).toEqual(result.validation)
    expect(card.scaling.channels).toHaveLength(card.scaling.median.length)
  })

  it('scores the validation fold of the coins evaluated, and no other', async () => {
    const { card, files } = await openRegistry(models).read(kind, result.id)
    const { markets, split } = await prepared()
    const [{ features, labels }] = markets
    const hour = 3_600_000
    const ends = Array.from(windowRows(features, card.knots))
      .filter((row) => labels[row] < 3)
      .filter((row) => features.asOf[row] - 12 * hour >= split.validation.from)
      .filter((row) => features.asOf[row] + 12 * hour < split.validation.to)
      .map((row) => ({ table: features, row }))
    const session = await openOnnxSession(files.get(ONNX_FILE)!, { threads: 1 })
    const answers = await session.run(buildWindows(ends, card.knots, card.channels))
    await session.dispose()
    const right = ends.filter(({ row }, i) => {
      const mine = [...answers.subarray(i * 3, i * 3 + 3)]
      return mine.indexOf(Math.max(...mine)) === labels[row]
    })
    expect(result.validation.accuracy).toBeCloseTo(right.length / ends.length, 12)
    const { chop, trend, reversal } = result.validation.occupancy
    expect(chop + trend + reversal).toBeCloseTo(1, 12)
  })

  it('can be served at once', async () => {
    const registry = openRegistry(models)
    await registry.promote(kind, result.id, 'champion', 'test', NOW)
    const serving = await openServing(registry, { now: NOW, only: kind })
    expect(serving).toMatchObject({ kind, id: result.id, degradations: [] })
    await serving.close()
  })

  it('reports its own stage up to the end', () => {
    expect(new Set(progress.map(({ stage }) => stage))).toEqual(new Set([`train ${kind}`]))
    expect(progress.every(({ done, total }) => done >= 0 && done <= total)).toBe(true)
    expect(progress.at(-1)!.done).toBe(progress.at(-1)!.total)
  })

  it('gives the same weights for the same request, and others for another seed', async () => {
    const weights = kind === 'cde' ? 'weights.bin' : 'weights.json'
    const bytesOf = async (request: TrainingRequest) => {
      const { id } = await run(request)
      return (await openRegistry(request.models).read(kind, id)).files.get(weights)
    }
    const first = (await openRegistry(models).read(kind, result.id)).files.get(weights)
    expect(await bytesOf(requestOf(kind))).toEqual(first)
    if (kind === 'cde') expect(await bytesOf(requestOf(kind, { seed: 6 }))).not.toEqual(first)
  })

  it('stops when it is told to, and leaves no version', async () => {
    const stop = new AbortController()
    const request = requestOf(kind)
    const stopped = run(request, () => stop.abort(new Error('enough')), stop.signal)
    await expect(stopped).rejects.toThrow('enough')
    expect(await openRegistry(request.models).list(kind)).toEqual([])
  })
})

describe('a training', () => {
  it('tells of the CDE its backend and epochs, of the HMM its choice of states', async () => {
    const cde = await run(requestOf('cde'))
    expect(cde.cde).toMatchObject({ backend: { name: 'wasm' }, bestEpoch: expect.any(Number) })
    expect(cde.cde!.epochs.map(({ epoch }) => epoch)).toEqual([1, 2])
    expect(cde.hmm).toBeUndefined()
    const hmm = await run(requestOf('hmm'))
    expect(hmm.hmm).toMatchObject({ states: 3, covariance: 'full' })
    expect(hmm.hmm!.rows).toBeGreaterThan(400)
    expect(Number.isFinite(hmm.hmm!.BIC) && Number.isFinite(hmm.hmm!['log-likelihood'])).toBe(true)
  })

  it('keeps the state of a CDE while it trains, and no longer', async () => {
    const dataset = { ...REQUEST, state: temporaryFolder() }
    const states = () => {
      const folder = join(dataset.state, 'trainings')
      return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.state')) : []
    }
    const seen = new Set<number>()
    const result = await run(requestOf('cde', { dataset }), () => seen.add(states().length))
    expect([...seen]).toEqual([0, 1])
    expect(states()).toEqual([])
    expect(result.cde).toMatchObject({ ending: { by: 'epochs' }, threads: 1, degradations: [] })
  })

  it('that a failing backend cuts short leaves its best epoch with a card that says so, and its state', async () => {
    const dataset = { ...REQUEST, state: temporaryFolder() }
    let restore: (() => void) | undefined
    const breakIn = ({ done }: Progress) => {
      if (done > 1 && !restore) restore = failFrom(1, 'wasm')
    }
    const request = requestOf('cde', { dataset, options: { ...TINY, cde: { ...TINY.cde, epochs: 3 } } })
    const failing = run(request, (progress) => {
      if (progress.stage === 'train cde' && progress.done < 3) breakIn(progress)
      else restore?.()
    })
    const result = await failing.finally(() => restore?.())
    expect(result.cde!.ending).toMatchObject({
      by: 'failure',
      reason: expect.stringMatching(/^cut short after 1 of 3 /),
    })
    const { card } = await openRegistry(request.models).read('cde', result.id)
    expect(card.metrics).toMatchObject({
      epochs: 1,
      endedBy: 'failure',
      ending: result.cde!.ending.reason,
      degradations: [expect.stringMatching(/^wasm failed in epoch 2: .*; epoch 1 of 1 was kept$/)],
    })
    expect(readdirSync(join(dataset.state, 'trainings'))).toHaveLength(1)
    const whole = await run({ ...request, models: temporaryFolder() })
    expect(whole.cde!.ending.by).toBe('epochs')
    expect(readdirSync(join(dataset.state, 'trainings'))).toEqual([])
  })

  it('that a failing backend ends before its first epoch fails, and leaves no version', async () => {
    const request = requestOf('cde', { dataset: { ...REQUEST, state: temporaryFolder() } })
    const restore = failFrom(1, 'wasm')
    await expect(run(request).finally(restore)).rejects.toBeInstanceOf(BackendError)
    expect(await openRegistry(request.models).list('cde')).toEqual([])
  })

  it('refuses a request that is none, naming the field', async () => {
    const wrong = { ...requestOf('cde'), seed: 1.5 }
    await expect(run(wrong)).rejects.toThrow(/^training request: seed: /)
    await expect(run({ ...wrong, seed: 1, extra: 1 } as TrainingRequest)).rejects.toBeInstanceOf(InputError)
  })

  it('refuses data that leave no room for a split', async () => {
    const dataset = { ...REQUEST, testFrom: Date.UTC(2000, 0, 1) }
    await expect(run(requestOf('hmm', { dataset }))).rejects.toThrow(/no room for a split/)
  })
})
