import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnrecoverableError } from 'bullmq'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ModelError, UnavailableError } from '#data/errors.ts'
import { encodeFloat32, encodeFloat64 } from '#jobs/encoding.ts'
import type { InferJob } from '#jobs/queues.ts'
import { createInferProcessor } from '#jobs/workers/infer.ts'
import type { ServingOpener } from '#jobs/workers/open-serving.ts'
import { KNOTS, openModels } from '../fixtures/serving.ts'
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
  const table = makeTable('BTC', 10, 1, 0)
  const item = {
    coin: 'BTC',
    channels: [...table.channels],
    rows: encodeFloat32(table.values),
    asOf: encodeFloat64(table.asOf),
    sigma: encodeFloat64(table.sigma),
    first: 5,
    omitted: 0,
    ...changes,
  }
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
    const result = await processorOf().process(jobOf({ first: 0, ...shortTable() }))
    expect(result.windows).toBe(0)
    expect(result.estimates).toEqual([{ coin: 'BTC', asOf: '', probabilities: '' }])
  })

  it('is refused for good, with field and coin, when it does not fit together', async () => {
    const faults: [object, RegExp][] = [
      [{ rows: encodeFloat32(new Float32Array(3)) }, /BTC: rows holds 12 bytes, expected 80/],
      [{ asOf: 'no base64!' }, /BTC: asOf is not base64/],
      [{ sigma: '' }, /BTC: sigma holds 0 bytes, expected 80/],
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

function shortTable() {
  const { values, asOf, sigma } = makeTable('BTC', KNOTS - 1, 1, 0)
  return { rows: encodeFloat32(values), asOf: encodeFloat64(asOf), sigma: encodeFloat64(sigma) }
}
