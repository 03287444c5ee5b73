import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { PaperOptions } from '#jobs/trading/options.ts'
import { type PaperSettings, paperCommand } from '#jobs/trading/paper.ts'
import { why } from '#jobs/trading/why.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { WheelOptions } from '#src/options.ts'
import { TrainingOptions } from '#training/options.ts'
import { EvaluationOptions } from '#training/walk-forward/options.ts'
import { startExchange } from '../../exchange/exchange.ts'
import { seriesFrom } from '../../exchange/series.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const state = mkdtempSync(join(tmpdir(), 'millrace-live-paper-'))
afterAll(() => rmSync(state, { recursive: true, force: true }))

const HOURS = 1300
const START = Date.UTC(2025, 0, 1)

it('trades on paper by the clock on the wall, against an exchange, through hours that it missed', async () => {
  let now = START + 1200 * HOUR + 30_000
  const provider = createSimulatedProvider({ seed: 5, hours: HOURS, coins: ['BTC', 'ETH'] })
  const exchange = await startExchange({ series: await seriesFrom(provider), now: () => now, weightLimit: 1e9 })
  const settings: PaperSettings = {
    source: { source: 'hyperliquid', apiUrl: exchange.url },
    coins: ['BTC', 'ETH'],
    seed: 1,
    training: TrainingOptions.parse({}),
    evaluation: EvaluationOptions.parse({}),
    wheel: WheelOptions.parse({
      useRegimes: false,
      requireEdge: false,
      kalmanFunding: { entryZ: 0.3 },
      ouFunding: { entryZ: 0.6, exitZ: 0.1 },
      validation: { enabled: false },
      hazard: { maxSignFlip: 1 },
      fusion: { minConviction: 0 },
    }),
    fleet: { namespace: 'test', workers: 1, concurrency: 1 },
    paths: { state, models: join(state, 'models'), reports: state },
    paper: PaperOptions.parse({ hours: 6 }),
  }
  const remarks: string[] = []
  // The newest hour, once it is lived through, lets the next one come.
  let lived = START + 1199 * HOUR
  const context = {
    now: () => now,
    progress: ({ stage }: { stage: string }) => {
      if (stage !== 'paper') return
      lived += HOUR
      if (lived + HOUR > now) now += HOUR
    },
    logger: { ...logger, warn: (words: unknown) => void remarks.push(String(words)), info: () => {} } as typeof logger,
  }
  try {
    const first = await paperCommand(settings, context)
    expect(first).toMatchObject({ source: 'hyperliquid', hours: 6, totalHours: 6, model: 'none' })
    expect(first.asOf).toBe(new Date(START + 1205 * HOUR).toISOString())
    expect(new Set(exchange.trades.subscriptions)).toEqual(new Set(['BTC', 'ETH']))

    // Off for a day: those hours are lived through, and nothing is decided in them.
    now += 24 * HOUR
    const second = await paperCommand({ ...settings, paper: PaperOptions.parse({ hours: 28 }) }, context)
    expect(second.totalHours).toBe(34)
    const store = openSqliteLedger(second.ledger, { readOnly: true })
    const rounds = [...store.events()].filter((event) => event.kind === 'round')
    store.close()
    const absent = rounds.filter(({ degraded }) => degraded.some((words) => words.startsWith('not running')))
    expect(absent.length).toBeGreaterThanOrEqual(23)
    expect(absent.every(({ evaluated }) => evaluated === 0)).toBe(true)
    expect(rounds.at(-1)!.evaluated).toBe(2)
    expect(checkIntegrity(second.ledger).broken).toBeUndefined()
    expect((await why({ coin: 'BTC', state })).story.bar!.openTime).toBe(Date.parse(second.asOf!) - HOUR)
  } finally {
    await exchange.close()
  }
}, 60_000)
