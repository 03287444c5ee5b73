import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { InputError, UnavailableError } from '#data/errors.ts'
import { type SearchSettings, searchCommand } from '#jobs/pipeline/search.ts'
import { BacktestOptions } from '#jobs/trading/options.ts'
import { WheelOptions } from '#src/options.ts'
import { TrainingOptions } from '#training/options.ts'
import type { ModelTrialRequest } from '#training/search/model-trial.ts'
import { SearchOptions } from '#training/search/options.ts'
import type { TrialAnswer } from '#training/search/run-study.ts'
import { EvaluationOptions } from '#training/walk-forward/options.ts'
import { silentLogger } from '../silent-logger.ts'

/** The fleet's place is taken by `answer`; its own ways are tested in `fleet-behaviour.ts`. */
const fleet = vi.hoisted(() => ({
  asked: [] as { request: ModelTrialRequest; round: string }[],
  answer: undefined as unknown as (request: ModelTrialRequest) => TrialAnswer,
}))
vi.mock('#jobs/search-round.ts', () => ({
  trialRound: async ({ request, round }: { request: ModelTrialRequest; round: string }) => {
    fleet.asked.push({ request, round })
    return fleet.answer(request)
  },
}))
vi.mock('#jobs/pipeline/fleet.ts', () => ({
  withFleet: async (_settings: unknown, { signal }: { signal?: AbortSignal }, work: (running: object) => unknown) =>
    work({ signal }),
}))

let state: string
const notes: string[] = []
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'millrace-search-'))
  fleet.asked = []
  notes.length = 0
  fleet.answer = ({ options }) => {
    const value = Math.abs(Math.log(options.cde.learningRate / 0.006)) + options.knots / 100
    return { state: 'complete', value, curve: [value + 1, value], figures: { bestEpoch: 2 }, seconds: 1 }
  }
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

function settings(search: object = {}, change: Partial<SearchSettings> = {}): SearchSettings {
  return {
    source: { source: 'simulated', seed: 3, hours: 1000, coins: ['BTC', 'PEPE'] },
    seed: 5,
    training: TrainingOptions.parse({}),
    evaluation: EvaluationOptions.parse({}),
    wheel: WheelOptions.parse({}),
    fleet: { namespace: 'test', workers: 1, concurrency: 1 },
    paths: { state, models: join(state, 'models'), reports: join(state, 'reports') },
    backtest: BacktestOptions.parse({}),
    search: SearchOptions.parse({ trials: 15, parallel: 1, name: 'spring', ...search }),
    ...change,
  }
}

const context = {
  now: () => Date.UTC(2026, 0, 5),
  progress: ({ note }: { note?: string }) => void notes.push(note ?? ''),
  logger: silentLogger,
}

describe('searchCommand', () => {
  it('starts with what is in force, finds better, and leaves log, page and document behind', async () => {
    const found = await searchCommand(settings(), context)
    expect(fleet.asked[0].request.options).toEqual(TrainingOptions.parse({}))
    expect(found).toMatchObject({ name: 'spring', space: 'model', counts: { trials: 15, complete: 15 }, opened: 1 })
    expect(found.best.value).toBeLessThan(found.inForce!.value!)
    expect(found.folder).toBe(join(state, 'searches', 'spring'))
    expect(readFileSync(found.report, 'utf8')).toContain('Search report, spring')
    const { folder: _, report: __, ...page } = found
    expect(JSON.parse(readFileSync(join(found.folder, 'search.json'), 'utf8'))).toEqual(page)
    expect(notes.at(-1)).toBe(`best ${found.best.value.toFixed(4)} (trial ${found.best.number})`)
    // What was best is what the worker was asked at that trial.
    const { options } = fleet.asked[found.best.number].request
    expect(options.cde.learningRate).toBe(found.best.settings['training.cde.learningRate'])
    expect(options.knots).toBe(found.best.settings['training.knots'])
  })

  it('goes on after a stop, asks nothing twice, and ends like a search that ran through', async () => {
    const stop = new AbortController()
    const { answer } = fleet
    fleet.answer = (request) => {
      if (request.number === 6) stop.abort(new Error('stopped'))
      return answer(request)
    }
    await expect(searchCommand(settings(), { ...context, signal: stop.signal })).rejects.toThrow('stopped')
    fleet.answer = answer
    const resumed = await searchCommand(settings(), context)
    expect(fleet.asked.map(({ request }) => request.number)).toEqual(Array.from({ length: 15 }, (_, i) => i))
    // Another run is another round: jobs that the stop cancelled must not answer.
    expect(new Set(fleet.asked.map(({ round }) => round)).size).toBe(2)
    const whole = await searchCommand(settings({ name: 'whole' }), context)
    expect(resumed.trials).toEqual(whole.trials)
    expect(resumed.opened).toBe(2)
  })

  it('names itself after the time where it is given no name', async () => {
    const found = await searchCommand(settings({ name: undefined, trials: 1 }), context)
    expect(found.name).toBe('2026-01-05T00-00-00')
  })

  it('refuses to go on with another seed or other data', async () => {
    await searchCommand(settings({ trials: 1 }), context)
    await expect(searchCommand(settings({}, { seed: 6 }), context)).rejects.toThrow(/begun with seed 5, now it is 6/)
    const source = { source: 'simulated', seed: 4, hours: 1000, coins: ['BTC', 'PEPE'] } as const
    const other = searchCommand(settings({}, { source: { ...source, coins: ['BTC', 'PEPE'] } }), context)
    await expect(other).rejects.toThrow(/setting.hash/)
    await expect(other).rejects.toBeInstanceOf(InputError)
  })

  it('is not run twice at a time', async () => {
    const { answer } = fleet
    let second: Promise<unknown> | undefined
    fleet.answer = (request) => {
      second ??= searchCommand(settings(), context).catch((error) => error)
      return answer(request)
    }
    await searchCommand(settings({ trials: 3 }), context)
    expect(await second).toBeInstanceOf(UnavailableError)
  })

  it('counts failed trials and gives up after three in a row', async () => {
    const { answer } = fleet
    const failed = (reason: string): TrialAnswer => ({ state: 'failed', curve: [], reason, seconds: 1 })
    fleet.answer = (request) => (request.number % 3 === 0 ? answer(request) : failed('diverged'))
    expect((await searchCommand(settings({ trials: 9 }), context)).counts).toMatchObject({ complete: 3, failed: 6 })
    fleet.answer = () => failed('diverged')
    await expect(searchCommand(settings({ name: 'b' }), context)).rejects.toThrow(/3 trials in a row failed.*diverged/)
  })

  it('needs a champion to search the wheel with its regimes', async () => {
    const backtest = BacktestOptions.parse({ regimes: 'versions' })
    await expect(searchCommand(settings({ space: 'wheel' }, { backtest }), context)).rejects.toThrow(
      /no champion in .*: run train/,
    )
  })
})
