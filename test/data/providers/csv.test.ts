import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { createCsvProvider } from '#data/providers/csv.ts'
import { createSimulatedProvider, SIMULATION_START } from '#data/providers/simulated.ts'
import { describeProvider } from './conformance.ts'
import { candlesCsv, createTemporaryFolder, fundingCsv, writeFiles } from './files.ts'

const START = SIMULATION_START
const RANGE = { from: START, to: START + 300 * HOUR }
const REAL_DATA = join(import.meta.dirname, '../../../../shared/data')

describeProvider('csv', async () => {
  const folder = createTemporaryFolder()
  const market = createSimulatedProvider({ seed: 3, hours: 400, coins: ['ETH', 'BTC'] })
  for (const coin of ['ETH', 'BTC']) {
    writeFiles(folder.path, {
      [`candles/${coin}.csv`]: candlesCsv(await market.candles(coin, RANGE)),
      [`funding/${coin}.csv`]: fundingCsv(await market.funding(coin, RANGE)),
    })
  }
  return {
    provider: createCsvProvider({ directory: folder.path }),
    coin: 'ETH',
    range: RANGE,
    stop: async () => folder.remove(),
  }
})

describe.skipIf(!existsSync(REAL_DATA))(
  'the csv provider on real data (skipped where ../shared/data is missing)',
  () => {
    it('finds the folder of Hyperliquid by itself and says so', async () => {
      const provider = createCsvProvider({ directory: REAL_DATA })
      expect(provider.origin).toBe(`csv:${join(REAL_DATA, 'hyperliquid')}`)
      expect((await provider.universe()).length).toBe(35)
      expect((await provider.candles('HYPE', { from: 0, to: 600_000 * HOUR })).openTime).toHaveLength(3975)
    })

    it('leaves funding out that is settled every 8 hours', async () => {
      const provider = createCsvProvider({ directory: join(REAL_DATA, 'binance') })
      expect((await provider.funding('BTC', { from: 0, to: 600_000 * HOUR })).time).toHaveLength(0)
      expect(provider.takeNotices()).toMatchObject([{ coin: 'BTC', kind: 'missing-funding' }])
    })
  },
)

describe('a CSV directory', () => {
  let folder: ReturnType<typeof createTemporaryFolder>
  beforeEach(() => {
    folder = createTemporaryFolder()
  })
  afterEach(() => folder.remove())

  const header = 'ts_ms,open,high,low,close,volume'
  const row = (hour: number, cells = '10,12,9,11,5') => `${START + hour * HOUR},${cells}`
  const rows = [row(0), row(1), row(2), row(3)]

  function provide(candles: string, funding?: string) {
    writeFiles(folder.path, {
      'candles/BTC.csv': candles,
      ...(funding !== undefined && { 'funding/BTC.csv': funding }),
    })
    return createCsvProvider({ directory: folder.path })
  }
  const load = (candles: string) => provide(candles).candles('BTC', RANGE)

  it('is read whatever its line endings, byte-order mark, column order, further columns and empty lines', async () => {
    const plain = await load([header, ...rows].join('\n'))
    expect(plain.close).toEqual(Float64Array.of(11, 11, 11, 11))
    const turned = [
      'note,volume,close,low,high,open,ts_ms',
      ...[0, 1, 2, 3].map((h) => `"a, b",5,11,9,12,10,${START + h * HOUR}`),
    ]
    expect(await load(`\uFEFF${turned.join('\r\n')}\r\n\r\n`)).toEqual(plain)
  })

  it('is read with scientific notation and quotes', async () => {
    const { close } = await load(`${header}\n${row(0, '"1.0e1",1.2E+1,9.,.11e2,0')}`)
    expect(Array.from(close)).toEqual([11])
  })

  it('gives open interest where the candles have a column of it', async () => {
    const candles = await load(`${header},open_interest\n${row(0)},77\n${row(1)},\n`)
    expect(candles.openInterest).toEqual(Float64Array.of(77, Number.NaN))
  })

  it.each([
    ['a missing column', 'ts_ms,open,high,low,volume\n1,2,3,4,5', /line 1.*column close is missing.*ts_ms, open, high/],
    ['a column that stands there twice', `${header},close\n${row(0)},1`, /column close stands there 2 times/],
    ['an empty file', '', /line 1.*ts_ms.*missing/],
    [
      'an empty cell',
      `${header}\n${row(0)}\n${row(1, '10,,9,11,5')}`,
      /line 3, column high: must not be empty, got ""/,
    ],
    [
      'a row cut short',
      `${header}\n${row(0)}\n${START + HOUR},10,12`,
      /line 3, column low: must not be empty, got nothing/,
    ],
    ['NaN', `${header}\n${row(0, '10,12,NaN,11,5')}`, /line 2, column low: must be a finite number, got "NaN"/],
    ['infinity', `${header}\n${row(0, '10,1e999,9,11,5')}`, /column high: must be a finite number, got "1e999"/],
    ['a number that is none', `${header}\n${row(0, '10,0x10,9,11,5')}`, /column high.*"0x10"/],
    [
      'a date',
      `${header}\n2025-01-01T00:00:00Z,10,12,9,11,5`,
      /ts_ms: must be UTC milliseconds.*not a date.*1735689600000/,
    ],
    ['seconds', `${header}\n${START / 1000},10,12,9,11,5`, /looks like seconds/],
    ['microseconds', `${header}\n${START * 1000},10,12,9,11,5`, /looks like microseconds or nanoseconds/],
    ['nanoseconds', `${header}\n${START * 1e6},10,12,9,11,5`, /looks like microseconds or nanoseconds/],
    ['a stamp within the hour', `${header}\n${START + 17},10,12,9,11,5`, /line 2, column ts_ms: must be a full hour/],
    [
      'a high below the low',
      `${header}\n${row(0, '10,8,9,11,5')}`,
      /line 2, column high: must not be below low \(9\), got 8/,
    ],
    ['a close above the high', `${header}\n${row(0, '10,12,9,13,5')}`, /high: must not be below open or close/],
    ['a low above the open', `${header}\n${row(0, '10,12,11,12,5')}`, /low: must not be above open or close/],
    ['a price of zero', `${header}\n${row(0, '0,12,0,11,5')}`, /open: must be above zero, got 0/],
    ['a negative volume', `${header}\n${row(0, '10,12,9,11,-5')}`, /volume: must be zero or more, got -5/],
    ['an open quote', `${header}\n${row(0)}\n"${row(1)}`, /line 3.*[Qq]uote/],
    [
      'rows that contradict each other',
      `${header}\n${row(0)}\n${row(1)}\n${row(0, '10,12,9,10,5')}`,
      /line 4, column close: contradicts line 2.*which has 11, got "10"/,
    ],
  ])('is refused for %s, with file, line, column and value', async (_, content, message) => {
    const error = await load(content).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InputError)
    expect((error as InputError).message).toContain(join(folder.path, 'candles', 'BTC.csv'))
    expect((error as InputError).message).toMatch(message)
  })

  it('is put in order, and says so', async () => {
    const provider = provide([header, row(2), row(0), row(1), row(3)].join('\n'))
    const { openTime } = await provider.candles('BTC', RANGE)
    expect(Array.from(openTime)).toEqual([0, 1, 2, 3].map((hour) => START + hour * HOUR))
    expect(provider.takeNotices()).toMatchObject([
      { coin: 'BTC', kind: 'unordered', message: expect.stringMatching(/2 rows/) },
    ])
  })

  it('is freed of repeated rows, and says so once per load', async () => {
    const provider = provide([header, ...rows, row(3), row(1)].join('\n'))
    expect((await provider.candles('BTC', RANGE)).openTime).toHaveLength(4)
    await provider.candles('BTC', RANGE)
    expect(provider.takeNotices().map(({ kind }) => kind)).toEqual(['unordered', 'duplicate'])
    await provider.candles('BTC', RANGE)
    expect(provider.takeNotices()).toHaveLength(2)
  })

  it('gives the rows in order whatever order they stand in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...Array(30).keys()], { minLength: 1 }), async (hours) => {
        const { openTime, open } = await load(
          [header, ...hours.map((h) => row(h, `${h + 1},${h + 2},${h + 1},${h + 1},0`))].join('\n'),
        )
        const sorted = [...hours].sort((a, b) => a - b)
        expect(Array.from(openTime)).toEqual(sorted.map((h) => START + h * HOUR))
        expect(Array.from(open)).toEqual(sorted.map((h) => h + 1))
      }),
      { numRuns: 30 },
    )
  })

  it('floors settlements as the exchange stamps them, and refuses what is later than that', async () => {
    const late = (milliseconds: number) =>
      [1, 2, 3].map((hour) => `${START + hour * HOUR + hour * milliseconds},1.25e-05`).join('\n')
    const provider = provide(`${header}\n${START},10,12,9,11,5`, `ts_ms,funding_rate\n${late(39)}`)
    const { time, rate } = await provider.funding('BTC', RANGE)
    expect(Array.from(time)).toEqual([1, 2, 3].map((hour) => START + hour * HOUR))
    expect(Array.from(rate)).toEqual([1.25e-5, 1.25e-5, 1.25e-5])
    const later = provide(`${header}\n${START},10,12,9,11,5`, `ts_ms,funding_rate\n${late(600_000)}`)
    await expect(later.funding('BTC', RANGE)).rejects.toThrow(/line 2, column ts_ms: must be a full hour/)
  })

  it('does without funding, and says so', async () => {
    const provider = provide([header, ...rows].join('\n'))
    expect((await provider.funding('BTC', RANGE)).time).toHaveLength(0)
    expect(provider.takeNotices()).toMatchObject([{ coin: 'BTC', kind: 'missing-funding' }])
  })

  it('leaves out funding that is mostly not hourly, and says so', async () => {
    const stamps = [0, 1, 8, 16, 24].map((hour) => `${START + hour * HOUR},0.0001`)
    const provider = provide([header, ...rows].join('\n'), ['ts_ms,funding_rate', ...stamps].join('\n'))
    expect((await provider.funding('BTC', RANGE)).time).toHaveLength(0)
    expect(provider.takeNotices()).toMatchObject([
      { kind: 'missing-funding', message: expect.stringMatching(/every 8 hours/) },
    ])
  })

  it('is refused for funding that no hour can cost', async () => {
    const provider = provide([header, ...rows].join('\n'), `ts_ms,funding_rate\n${START},0.00001\n${START + HOUR},0.05`)
    await expect(provider.funding('BTC', RANGE)).rejects.toThrow(/funding.BTC\.csv line 3, column funding_rate.*0\.05/)
  })

  it('is refused at once when it is laid out otherwise', () => {
    expect(() => createCsvProvider({ directory: folder.path })).toThrow(/has no folder candles/)
    expect(() => createCsvProvider({ directory: join(folder.path, 'nowhere') })).toThrow(/is no directory/)
    expect(() => createCsvProvider({ directory: join(folder.path, 'nowhere') })).toThrow(InputError)
  })

  it('does not let a coin name reach outside', async () => {
    const provider = provide([header, ...rows].join('\n'))
    await expect(provider.candles('../candles/BTC', RANGE)).rejects.toThrow(/unknown coin/)
  })
})
