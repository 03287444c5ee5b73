import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnrecoverableError } from 'bullmq'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FatalError, ModelError, UnavailableError } from '#data/errors.ts'
import type { Windows } from '#data/windows.ts'
import { encodeFloat32 } from '#jobs/encoding.ts'
import { type InferJob, type InferResult, inferJobSchema, inferResultSchema } from '#jobs/queues.ts'
import { packStretch } from '#jobs/stretch.ts'
import { createInferProcessor } from '#jobs/workers/infer.ts'
import type { ServingOpener } from '#jobs/workers/open-serving.ts'
import { CHANNELS, KNOTS, openModels } from '../fixtures/serving.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { makeTable } from '../tables.ts'

let modelsDirectory: string
beforeAll(async () => {
  modelsDirectory = await mkdtemp(join(tmpdir(), 'millrace-models-'))
  await mkdir(join(modelsDirectory, 'cde'))
  await writeFile(join(modelsDirectory, 'cde', 'champion'), 'cde-1')
})
afterAll(() => rm(modelsDirectory, { recursive: true, force: true }))

const processorOf = (open: ServingOpener = openModels, directory = modelsDirectory) =>
  createInferProcessor({ modelsDirectory: directory, open, now: Date.now, logger })

function jobOf(changes: Partial<InferJob['batch'][number]> = {}, rest: Partial<InferJob> = {}): { data: InferJob } {
  const item = { ...packStretch(makeTable('BTC', 10, 1, 0), 5, 10, 5), ...changes }
  return { data: { round: 'r', batch: [item], ...rest } }
}

describe('an inference job', () => {
  it('is answered for the rows asked for, by whom and in what time', async () => {
    const result = await processorOf().process(jobOf())
    expect(result).toMatchObject({ servedBy: { kind: 'cde', id: 'cde-1' }, windows: 5, degradations: [] })
    expect(result.worker).toMatch(new RegExp(`^${process.pid}@.+`))
    expect(result.seconds).toBeGreaterThanOrEqual(0)
  })

  it('has no estimates, but the reason, when no model can serve', async () => {
    const result = await processorOf(openModels, join(modelsDirectory, 'nowhere')).process(jobOf())
    expect(result).toMatchObject({ estimates: [], windows: 0, servedBy: { kind: 'none' } })
    expect(result.degradations).toEqual(['no model in the store'])
  })

  it('for rows without a window has an empty answer for the coin', async () => {
    const result = await processorOf().process(jobOf(shortTable()))
    expect(result.windows).toBe(0)
    expect(result.estimates).toEqual([{ coin: 'BTC', asOf: '', probabilities: '' }])
  })

  it('is refused for good, with field and coin, when it does not fit together', async () => {
    const faults: [object, RegExp][] = [
      [{ rows: encodeFloat32(new Float32Array(3)) }, /BTC: rows holds 3 numbers, expected a multiple of 2/],
      [{ rows: 'no base64!' }, /BTC: rows is not base64/],
      [{ from: 'yesterday' }, /batch\.0\.from/],
      [{ missing: [[1, 0]] }, /BTC: asOf must ascend by full hours at row 1/],
      [{ first: 10 }, /BTC: first is 10, there are 10 rows/],
      [{ first: -1 }, /batch\.0\.first/],
      [{ channels: ['return', 'volume'] }, /the model needs the channel "funding"/],
      [{ first: KNOTS - 2, omitted: 1 }, /BTC comes with 2 rows of history, .* needs 3: ask for more history/],
      [{ extra: 1 }, /Unrecognized key/],
    ]
    for (const [change, words] of faults) {
      const error = await processorOf()
        .process(jobOf(change))
        .catch((thrown) => thrown)
      expect(error).toBeInstanceOf(UnrecoverableError)
      expect(error.message).toMatch(words)
      expect(error.message).toMatch(/^InputError: /)
    }
  })

  it('that nobody wants any more is not done', async () => {
    await expect(processorOf().process(jobOf({}, { cancelled: true }))).rejects.toThrow(/cancelled/)
  })

  it('steps down to the HMM when the model that serves fails on it', async () => {
    const open: ServingOpener = async (directory, options) => {
      const serving = await openModels(directory, options)
      if (options.only === 'hmm') return { ...serving, kind: 'hmm', id: 'hmm-1' }
      const estimate = () => Promise.reject(new ModelError('probabilities sum to NaN'))
      return { ...serving, model: { ...serving.model!, estimate } }
    }
    const result = await processorOf(open).process(jobOf())
    expect(result).toMatchObject({ servedBy: { kind: 'hmm', id: 'hmm-1' }, windows: 5 })
    expect(result.degradations[0]).toMatch(/^degraded: .* the champion HMM serves it: probabilities sum to NaN/)
    await expect(processorOf(open).process(jobOf({}, { only: 'cde' }))).rejects.toThrow(/sum to NaN/)
  })

  it('is tried again where another try may help, and only there', async () => {
    const failing = (error: Error) => processorOf(() => Promise.reject(error)).process(jobOf())
    const busy = await failing(new UnavailableError('the store does not answer')).catch((thrown) => thrown)
    expect(busy).not.toBeInstanceOf(UnrecoverableError)
    const broken = await failing(new ModelError('tampered')).catch((thrown) => thrown)
    expect(broken).toBeInstanceOf(UnrecoverableError)
  })
})

describe('a poisoned coin', () => {
  /** A model that refuses every batch with a window of a coin in `bad`, and counts how often it is asked. */
  const refusing = (bad: ReadonlySet<string>, asked: string[] = [], error: Error = new ModelError('sum to NaN')) => {
    const open: ServingOpener = async (directory, options) => {
      const serving = await openModels(directory, options)
      const model = serving.model!
      const estimate = async (windows: Windows) => {
        asked.push(windows.coin.join(' '))
        if (windows.coin.some((coin) => bad.has(coin))) throw error
        return model.estimate(windows)
      }
      return { ...serving, kind: options.only ?? 'cde', model: { ...model, estimate } }
    }
    return open
  }
  const batchOf = (coins: number, bad: Readonly<Record<number, object>> = {}, rest: Partial<InferJob> = {}) => {
    const batch = Array.from({ length: coins }, (_, i) => {
      return { ...packStretch(makeTable(`C${i}`, 10, i, 0), 9, 10, 9), ...bad[i] }
    })
    return { data: { round: 'r', batch, ...rest } as InferJob }
  }
  const estimatesOf = async (job: { data: InferJob }, open?: ServingOpener) =>
    (await processorOf(open).process(job)).estimates
  const coinsOf = (result: InferResult) => result.estimates.map(({ coin }) => coin)

  it('is left out where its numbers cannot be unpacked, and told', async () => {
    const result = await processorOf().process(batchOf(4, { 1: { rows: 'AAAA' }, 2: { rows: 'no base64!' } }))
    expect(result.poisoned).toEqual([
      { coin: 'C1', reason: 'InputError: C1: rows holds 3 bytes, expected a multiple of 4' },
      { coin: 'C2', reason: 'InputError: C2: rows is not base64' },
    ])
    expect(coinsOf(result)).toEqual(['C0', 'C3'])
    expect(result.windows).toBe(2)
    expect(result.degradations).toEqual([])
    inferResultSchema.parse(result)
  })

  it('is left out where it does not suit the model', async () => {
    const bad = { 0: { channels: ['return', 'volume'] }, 2: { first: 1, omitted: 5 } }
    const result = await processorOf().process(batchOf(3, bad))
    expect(result.poisoned.map(({ coin, reason }) => `${coin} ${reason}`)).toEqual([
      expect.stringMatching(/^C0 InputError: .* needs the channel "funding"/),
      expect.stringMatching(/^C2 InputError: .* 1 rows of history/),
    ])
    expect(coinsOf(result)).toEqual(['C1'])
  })

  it('costs no other coin its estimate, wherever it is among them', async () => {
    const coins = fc.integer({ min: 2, max: 12 })
    const places = fc.uniqueArray(fc.nat(11), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(coins, places, async (count, chosen) => {
        const bad = new Set(chosen.filter((place) => place < count).map((place) => `C${place}`))
        fc.pre(bad.size < count)
        const job = batchOf(count)
        const result = await processorOf(refusing(bad)).process(job)
        expect(new Set(result.poisoned.map(({ coin }) => coin))).toEqual(bad)
        // What the others are told does not depend on who else was there.
        expect(result.estimates).toEqual((await estimatesOf(job)).filter(({ coin }) => !bad.has(coin)))
        expect(result.servedBy.kind).toBe('cde')
        expect(result.windows).toBe(count - bad.size)
      }),
      { numRuns: 60 },
    )
  })

  it('is found among many with few questions', async () => {
    const asked: string[] = []
    const result = await processorOf(refusing(new Set(['C77']), asked)).process(batchOf(200))
    expect(result.poisoned).toEqual([{ coin: 'C77', reason: 'ModelError: sum to NaN' }])
    expect(result.estimates).toHaveLength(199)
    expect(asked.length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(200)))
  })

  it('of every coin is the fault of the model: the HMM serves', async () => {
    const everybody = new Set(['C0', 'C1', 'C2'])
    const open: ServingOpener = (directory, options) =>
      refusing(options.only === 'hmm' ? new Set() : everybody)(directory, options)
    const result = await processorOf(open).process(batchOf(4, { 3: { rows: 'AAAA' } }))
    expect(result.servedBy.kind).toBe('hmm')
    expect(coinsOf(result)).toEqual(['C0', 'C1', 'C2'])
    expect(result.poisoned.map(({ coin }) => coin)).toEqual(['C3'])
    expect(result.degradations[0]).toMatch(/^degraded: .* sum to NaN/)
  })

  it('is not what a machine or a service fails of', async () => {
    for (const error of [new FatalError('no memory left'), new UnavailableError('the store does not answer')]) {
      const asked: string[] = []
      const job = processorOf(refusing(new Set(['C1']), asked, error)).process(batchOf(4))
      await expect(job).rejects.toThrow(error.message)
      expect(asked).toHaveLength(1)
    }
  })
})

describe('the lineage of an estimate', () => {
  it('comes back with it, when the job asks', async () => {
    const barsHash = 'a'.repeat(64)
    const { data } = jobOf({ barsHash }, { flow: 'hourly-2025-01-01T09', asOf: 3_600_000, lineage: true })
    const result = await processorOf().process({ data: inferJobSchema.parse(data) })
    expect(result).toMatchObject({ flow: 'hourly-2025-01-01T09', asOf: 3_600_000 })
    const table = makeTable('BTC', 10, 1, 0)
    const last = table.values.slice((10 - KNOTS) * CHANNELS.length)
    const expected = createHash('sha256').update('return\nfunding\n').update(Buffer.from(last.buffer)).digest('hex')
    expect(result.estimates[0]).toMatchObject({ barsHash, featuresHash: expected })
    inferResultSchema.parse(result)
    const plain = await processorOf().process(jobOf())
    expect(Object.keys(plain.estimates[0])).toEqual(['coin', 'asOf', 'probabilities'])
    expect(plain).not.toHaveProperty('flow')
  })

  it('is another one when anything in the last window is, and only then', async () => {
    const hashOf = async (change: (values: Float32Array) => unknown, channels?: string[]) => {
      const { values } = makeTable('BTC', 10, 1, 0)
      change(values)
      const result = await processorOf().process(
        jobOf({ rows: encodeFloat32(values), ...(channels && { channels }) }, { lineage: true }),
      )
      return result.estimates[0].featuresHash
    }
    const as = await hashOf(() => {})
    const before = (10 - KNOTS) * CHANNELS.length
    const windows = Array.from({ length: KNOTS * CHANNELS.length }, (_, i) => before + i)
    const others = await Promise.all(windows.map((i) => hashOf((values) => values.fill(42, i, i + 1))))
    expect(new Set([as, ...others]).size).toBe(windows.length + 1)
    expect(await hashOf((values) => values.fill(42, before - 1, before))).toBe(as)
    expect(await hashOf(() => {}, ['funding', 'return'])).not.toBe(as)
  })

  it('is none where there is no estimate', async () => {
    const result = await processorOf().process(jobOf(shortTable(), { lineage: true }))
    expect(result.estimates).toEqual([{ coin: 'BTC', asOf: '', probabilities: '' }])
  })
})

/** One row less than a window has. */
const shortTable = () => packStretch(makeTable('BTC', KNOTS - 1, 1, 0), 0, KNOTS - 1, 0)
