import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { findLedger } from '#jobs/trading/ledgers.ts'
import { BacktestOptions, PaperOptions } from '#jobs/trading/options.ts'
import { type PaperSettings, paperCommand } from '#jobs/trading/paper.ts'
import { why } from '#jobs/trading/why.ts'
import { openRegistry } from '#models/registry.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { WheelOptions } from '#src/options.ts'
import { train } from '#training/train.ts'
import { EvaluationOptions } from '#training/walk-forward/options.ts'
import { describeWhy } from '../../../cli/summaries/why.ts'
import { csvMarket, TEST_FROM } from '../../training/search/csv-market.ts'
import { NOW, TINY } from '../../training/simulated.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const state = mkdtempSync(join(tmpdir(), 'millrace-paper-'))
afterAll(() => rmSync(state, { recursive: true, force: true }))

const market = csvMarket()
const context = { now: () => NOW, progress: () => {}, logger }

function settings(paper: object, wheel: object = {}): PaperSettings {
  return {
    source: market.source as PaperSettings['source'],
    coins: market.coins,
    testFrom: TEST_FROM,
    seed: 1,
    versions: 'challenger',
    training: TINY,
    evaluation: EvaluationOptions.parse({}),
    wheel: WheelOptions.parse({
      requireEdge: false,
      kalmanFunding: { entryZ: 0.5 },
      ouFunding: { entryZ: 0.6, exitZ: 0.1 },
      validation: { enabled: false },
      hazard: { maxSignFlip: 1 },
      fusion: { minConviction: 0 },
      ...wheel,
    }),
    fleet: { namespace: 'test', workers: 1, concurrency: 1 },
    paths: { state, models: join(state, 'models'), reports: join(state, 'reports') },
    paper: PaperOptions.parse({ pace: 0, ...paper }),
  }
}

describe('paper trading', () => {
  beforeAll(async () => {
    const models = join(state, 'models')
    const { id } = await train({ kind: 'hmm', dataset: market, options: TINY, seed: 1, models }, context)
    await openRegistry(models).promote('hmm', id, 'challenger', 'test', NOW)
  })

  it('goes on where it was stopped, and its ledger is whole', async () => {
    const first = await paperCommand(settings({ hours: 40 }), context)
    expect(first).toMatchObject({ hours: 40, totalHours: 40, stopped: '40 hours are over' })
    expect(first.model).toMatch(/^hmm /)
    const second = await paperCommand(settings({ hours: 50 }), context)
    expect(second).toMatchObject({ hours: 50, totalHours: 90, asOf: new Date(TEST_FROM + 89 * HOUR).toISOString() })
    expect(second.trades + second.positions.length).toBeGreaterThan(0)
    const { broken } = await checkIntegrity(second.ledger)
    expect(broken).toBeUndefined()
    expect(await findLedger(state, undefined)).toBe(second.ledger)
  })

  it('does not trade on a ledger that somebody has changed', async () => {
    const paths = { state: join(state, 'changed'), models: join(state, 'models'), reports: state }
    const { ledger } = await paperCommand({ ...settings({ hours: 30 }), paths }, context)
    const database = new DatabaseSync(ledger)
    for (const { name } of database.prepare("select name from sqlite_master where type = 'trigger'").all()) {
      database.exec(`drop trigger ${name}`)
    }
    database.exec("update events set body = replace(body, '10000000000', '90000000000') where number = 1")
    database.close()
    await expect(paperCommand({ ...settings({ hours: 1 }), paths }, context)).rejects.toThrow(/event 1/)
  })

  it('stops between two hours when it is told to', async () => {
    const stop = new AbortController()
    const progress = () => stop.abort()
    const { hours, stopped } = await paperCommand(settings({}), {
      ...context,
      progress: ({ stage }) => stage === 'paper' && progress(),
      signal: stop.signal,
    })
    expect({ hours, stopped }).toEqual({ hours: 1, stopped: 'told to stop' })
  })

  it('tells why it holds what it holds', async () => {
    const coins = market.coins!
    const answers = await Promise.all(coins.map((coin) => why({ coin, state })))
    for (const [i, answer] of answers.entries()) {
      expect(answer.story.coin).toBe(coins[i])
      expect(answer.story.scans).toHaveLength(5)
      const words = describeWhy(answer)
      expect(words).toContain('What the scanners said')
      if (answer.position !== undefined) expect(words).toMatch(/Position: .* since/)
    }
    const early = await why({ coin: 'BTC', at: TEST_FROM + 3 * HOUR + 5, state })
    expect(early.story.asOf).toBe(TEST_FROM + 3 * HOUR)
    await expect(why({ coin: 'BTC', at: TEST_FROM - HOUR, state })).rejects.toThrow(/no decision at/)
    await expect(why({ coin: 'NONE', state })).rejects.toThrow(/NONE was not looked at/)
  })

  it('becomes eligible once all gates pass, and is demoted when one that matters fails', async () => {
    const paths = { state: join(state, 'graduating'), models: join(state, 'models'), reports: state }
    // Every gate but that of the days and the books as wide as it goes.
    const wide = {
      minDays: 1,
      minSharpe: -1e9,
      maxDrawdown: 1,
      minWinRate: 0,
      maxBacktestDistance: 1,
      demotionSharpe: -1e9,
    }
    const steps = async (hours: number, graduation: object) => {
      const { ledger } = await paperCommand({ ...settings({ hours }, { graduation }), paths }, context)
      const store = openSqliteLedger(ledger, { readOnly: true })
      const found = [...store.events()].filter((event) => event.kind === 'graduation')
      store.close()
      return found.map(({ from, to, by }) => [from, to, by])
    }
    expect(await steps(20, wide)).toEqual([])
    expect(await steps(60, wide)).toEqual([['paper', 'eligible', 'gates']])
    expect(await steps(30, { ...wide, demotionSharpe: 1e9, trailingDays: 1 })).toEqual([
      ['paper', 'eligible', 'gates'],
      ['eligible', 'demoted', 'gates'],
    ])
  })

  it('opens nothing without a champion', async () => {
    const paths = { state: join(state, 'other'), models: join(state, 'no-models'), reports: state }
    const { model, trades, positions } = await paperCommand(
      { ...settings({ hours: 30 }), versions: 'champion', paths },
      context,
    )
    expect({ model, trades, positions }).toEqual({ model: 'none', trades: 0, positions: [] })
    const { story } = await why({ coin: 'BTC', state: paths.state })
    expect(story.regime).toBeNull()
  })
})

it('refuses names of backtests that would leave their folder', () => {
  expect(BacktestOptions.safeParse({ name: '../up' }).success).toBe(false)
  expect(BacktestOptions.safeParse({ name: 'spring-1' }).success).toBe(true)
})
