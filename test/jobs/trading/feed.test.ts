import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { UnavailableError, VenueError } from '#data/errors.ts'
import { liveFeed, replayFeed } from '#jobs/trading/feed.ts'
import { buildMarkets } from '#training/dataset.ts'
import { CENTRED_LABEL } from '#training/labels.ts'
import { makeBars, START } from '../../src/market.ts'

const bars = makeBars('AAA', 300, 1)
const prepared = {
  markets: buildMarkets([bars]),
  coins: ['AAA'],
  label: CENTRED_LABEL,
  range: { from: START + 180 * HOUR, to: START + 300 * HOUR },
  origin: 'test',
  hash: '',
  notices: [],
  instruments: [],
}

describe('a replayed feed', () => {
  it('gives hour after hour and withholds what comes later', async () => {
    const feed = replayFeed(prepared, START + 200 * HOUR, 0)
    const first = (await feed.next(undefined))!
    expect(first.asOf).toBe(START + 200 * HOUR)
    expect(first.markets[0].bars.openTime.at(-1)).toBe(START + 199 * HOUR)
    const second = (await feed.next(first.asOf))!
    expect(second).toMatchObject({ asOf: first.asOf + HOUR, missed: false })
    expect(await feed.next(START + 299 * HOUR)).toBeUndefined()
  })

  it('refuses to begin after the end of the data', () => {
    expect(() => replayFeed(prepared, START + 300 * HOUR, 0)).toThrow(/nothing to play from/)
  })

  it('waits no longer when it is told to stop', async () => {
    const feed = replayFeed(prepared, START + 200 * HOUR, 1000)
    const stop = new AbortController()
    const next = feed.next(START + 200 * HOUR, stop.signal)
    stop.abort()
    await expect(next).rejects.toThrow(/abort/i)
  })
})

describe('a live feed', () => {
  const live = (now: () => number, loaded: number[] = []) =>
    liveFeed({
      origin: 'test',
      now,
      grace: 20_000,
      load: async (asOf) => {
        loaded.push(asOf)
        return { markets: [], instruments: [] }
      },
    })

  it('begins with the last hour whose bars have had time to arrive', async () => {
    expect(await live(() => START + 19_000).next(undefined)).toMatchObject({ asOf: START - HOUR })
    expect(await live(() => START + 21_000).next(undefined)).toMatchObject({ asOf: START, missed: false })
  })

  it('lives through hours that passed meanwhile, and says that nobody was there', async () => {
    const loaded: number[] = []
    const feed = live(() => START + 3 * HOUR + 30_000, loaded)
    expect(await feed.next(START)).toMatchObject({ asOf: START + HOUR, missed: true })
    expect(await feed.next(START + HOUR)).toMatchObject({ asOf: START + 2 * HOUR, missed: true })
    expect(await feed.next(START + 2 * HOUR)).toMatchObject({ asOf: START + 3 * HOUR, missed: false })
    expect(loaded).toEqual([1, 2, 3].map((hours) => START + hours * HOUR))
  })

  it('does not load an hour before it is over', async () => {
    let now = START + HOUR + 19_990
    const began = performance.now()
    const feed = live(() => now)
    const next = feed.next(START)
    now += 20
    expect(await next).toMatchObject({ asOf: START + HOUR, missed: false })
    expect(performance.now() - began).toBeGreaterThan(5)
  })

  it('waits for a source that does not serve, and gives up on one that gives the wrong answer', async () => {
    const problems: string[] = []
    const failures = [new UnavailableError('no route'), new UnavailableError('too many requests')]
    const feedOf = (errors: Error[], now = () => START + 30_000) =>
      liveFeed({
        origin: 'test',
        now,
        grace: 20_000,
        pause: 1,
        onProblem: ({ message }) => problems.push(message),
        load: async () => {
          const error = errors.shift()
          if (error) throw error
          return { markets: [], instruments: [] }
        },
      })
    expect(await feedOf(failures).next(START - HOUR)).toMatchObject({ asOf: START, missed: false })
    expect(problems).toEqual(['no route', 'too many requests'])
    await expect(feedOf([new VenueError('no candle')]).next(START - HOUR)).rejects.toThrow('no candle')
    // What comes after the better part of the hour is not decided upon any more.
    let time = START + 30_000
    const late = feedOf([new UnavailableError('for long')], () => {
      time += HOUR / 4
      return time
    })
    expect(await late.next(START - HOUR)).toMatchObject({ asOf: START, missed: true })
  })
})
