import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError, type MillraceError, UnavailableError, VenueError } from '#data/errors.ts'
import { streamTrades, type TradeStreamOptions } from '#data/providers/hyperliquid-trades.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { createFlowBook, type FlowBook } from '#data/trades.ts'
import { type Exchange, startExchange } from '../../exchange/exchange.ts'
import { type ExchangeSeries, seriesFrom } from '../../exchange/series.ts'
import type { WireTrade } from '../../exchange/trades.ts'

const START = Date.UTC(2025, 0, 1)
const MINUTE = 60_000
const at = (hour: number, minutes = 0) => START + hour * HOUR + minutes * MINUTE

let series: ExchangeSeries[]
beforeAll(async () => {
  series = await seriesFrom(createSimulatedProvider({ seed: 5, start: START, hours: 24, coins: ['BTC', 'ETH'] }))
})

describe('the Hyperliquid trade stream', () => {
  let exchange: Exchange
  let book: FlowBook
  let time: number
  let problems: MillraceError[]
  let stopped: AbortController
  let running: Promise<void>
  let numbers: number
  /** What the stream told the book: coins as they were opened, numbers of the trades. */
  let opened: string[]
  let arrived: Set<number>

  beforeEach(async () => {
    exchange = await startExchange({ series, now: () => time })
    opened = []
    arrived = new Set()
    const inner = createFlowBook()
    book = {
      ...inner,
      opened(coin, moment) {
        inner.opened(coin, moment)
        opened.push(coin)
      },
      add(trades) {
        inner.add(trades)
        for (const { id } of trades) arrived.add(id)
      },
    }
    time = at(0)
    problems = []
    stopped = new AbortController()
    running = Promise.resolve()
    numbers = 0
  })
  afterEach(async () => {
    stopped.abort()
    await running
    await exchange.close()
  })

  function start(options: Partial<TradeStreamOptions> = {}) {
    running = streamTrades(
      {
        coins: ['BTC', 'ETH'],
        book,
        now: () => time,
        url: exchange.socketUrl,
        timeout: 500,
        reconnectDelay: () => 5,
        onProblem: (problem) => problems.push(problem),
        ...options,
      },
      stopped.signal,
    )
  }
  const soon = (check: () => void) => vi.waitFor(check, { interval: 2 })
  /** Waits until the stream has opened so many coins, counted from the start. */
  const openings = (count: number) => soon(() => expect(opened).toHaveLength(count))
  function wire(moment: number, side: 'A' | 'B', sz: string, coin = 'BTC'): WireTrade {
    return { coin, side, px: '100.5', sz, time: moment, tid: numbers++ }
  }
  /** Sends a last trade of each coin at `moment` and waits until it arrived: everything before it has then. */
  async function until(moment: number, coins = ['BTC', 'ETH']) {
    time = moment
    const last = coins.map((coin) => wire(moment, 'B', '0.001', coin))
    for (const trade of last) exchange.trades.publish([trade])
    await soon(() => expect(last.every(({ tid }) => arrived.has(tid))).toBe(true))
  }
  const flowOf = (coin: string) => {
    const { bought, sold } = book.series(coin, time)
    return Array.from(bought, (volume, i) => [volume, sold[i]])
  }

  it('sums the trades of each coin by the aggressor', async () => {
    start()
    await openings(2)
    time = at(0, 1)
    exchange.trades.publish([wire(at(0, 1), 'B', '2.5'), wire(at(0, 1), 'A', '1')])
    exchange.trades.publish([wire(at(0, 1), 'A', '4', 'ETH')])
    await until(at(1, 1))
    // Subscribed at the first millisecond of hour 0.
    expect(flowOf('BTC')).toEqual([[2.5, 1]])
    expect(flowOf('ETH')).toEqual([[0, 4]])
    expect(problems).toEqual([])
  })

  it('does not count what the first frame repeats of an hour that it did not see begin', async () => {
    time = at(0, 30)
    exchange.trades.withhold([wire(at(0, 29), 'B', '5')])
    start()
    await openings(2)
    await until(at(2, 1))
    expect(flowOf('BTC')).toEqual([
      [Number.NaN, Number.NaN],
      [0, 0],
    ])
  })

  it('connects again after a cut, counts replayed trades once, and does not cover the hour of the cut', async () => {
    start()
    await openings(2)
    exchange.trades.publish([wire(at(0, 10), 'B', '3')])
    await until(at(1, 10))
    exchange.trades.drop()
    time = at(1, 11)
    await openings(4)
    await until(at(3, 1))
    expect(flowOf('BTC')).toEqual([
      [3, 0],
      [Number.NaN, Number.NaN],
      [0, 0],
    ])
    expect(problems.map(({ message }) => message)).toEqual(['trades: no connection to the venue, trying again'])
    expect(problems[0]).toBeInstanceOf(UnavailableError)
  })

  it('does not cover the time between the last word of a dead line and its loss', async () => {
    start()
    await openings(2)
    await until(at(0, 59))
    // Nothing is heard over the end of the hour; the cut is noticed later.
    time = at(1, 5)
    exchange.trades.withhold([wire(at(0, 59), 'A', '100')])
    expect(flowOf('BTC')).toEqual([[Number.NaN, Number.NaN]])
    exchange.trades.drop()
    await openings(4)
    await until(at(2, 1))
    expect(flowOf('BTC')).toEqual([
      [Number.NaN, Number.NaN],
      [Number.NaN, Number.NaN],
    ])
  })

  const good = { coin: 'BTC', side: 'B', px: '1.0', sz: '1.0', time: at(0, 5), tid: 77 }
  it.each([
    ['a size that is no number', { ...good, sz: 'NaN' }, /trades: 0\.sz is wrong/],
    ['a negative price', { ...good, px: '-1.0' }, /trades: 0\.px is wrong/],
    ['a side that is none', { ...good, side: 'X' }, /trades: 0\.side is wrong/],
    ['a missing coin', { ...good, coin: undefined }, /trades: 0\.coin is wrong/],
    ['a time in the future', { ...good, time: at(5) }, /trades BTC: time must not lie more than an hour ahead/],
    ['no trades at all', null, /trades: 0 is wrong/],
  ])('does not cover the hour of a frame with %s, and goes on', async (_, spoilt, message) => {
    start()
    await openings(2)
    time = at(0, 5)
    exchange.trades.sendRaw(JSON.stringify({ channel: 'trades', data: [spoilt] }))
    await soon(() => expect(problems).toHaveLength(1))
    expect(problems[0]).toBeInstanceOf(VenueError)
    expect(problems[0].message).toMatch(message)
    exchange.trades.publish([wire(at(0, 6), 'B', '1')])
    await until(at(1, 5))
    exchange.trades.publish([wire(at(1, 6), 'A', '2')])
    await until(at(2, 5))
    expect(flowOf('BTC')).toEqual([
      [Number.NaN, Number.NaN],
      [0.001, 2],
    ])
  })

  it('takes a frame that is no JSON for what it is', async () => {
    start()
    await openings(2)
    exchange.trades.sendRaw('{"channel":"trades",')
    await soon(() => expect(problems).toHaveLength(1))
    expect(problems[0]).toBeInstanceOf(VenueError)
    expect(problems[0].message).toMatch(/a frame is no JSON/)
  })

  it('gives up a coin at which the venue closes the connection, and streams the others', async () => {
    start({ coins: ['NOPE', 'BTC'] })
    const given = () => problems.find((problem) => problem instanceof InputError)
    await soon(() => expect(given()).toBeDefined())
    expect(given()?.message).toMatch(/^trades NOPE: the venue closed the connection 3 times/)
    await soon(() => expect(opened.length).toBeGreaterThan(2))
    await until(at(2, 1), ['BTC'])
    expect(flowOf('BTC').at(-1)).toEqual([0, 0])
  })

  it('says so where a subscription is not confirmed, and covers nothing of it', async () => {
    exchange.trades.mute(true)
    start({ coins: ['BTC'], timeout: 60 })
    await soon(() => expect(problems).toHaveLength(1))
    expect(problems[0]).toBeInstanceOf(UnavailableError)
    expect(problems[0].message).toMatch(/^trades BTC: the venue did not subscribe: Request timed out/)
    expect(book.flows(at(5)).size).toBe(0)
  })

  it('stops when told, also before it began and while the venue is away', async () => {
    start()
    await openings(2)
    stopped.abort()
    await running
    await soon(() => expect(exchange.trades.connections()).toBe(0))
    await expect(streamTrades({ coins: ['BTC'], book, now: () => time }, stopped.signal)).resolves.toBeUndefined()

    const other = new AbortController()
    const options = { coins: ['BTC'], book, now: () => time, url: 'ws://127.0.0.1:1/ws', reconnectDelay: () => 5 }
    const away = streamTrades(options, other.signal)
    setTimeout(() => other.abort(), 30)
    await expect(away).resolves.toBeUndefined()
  })

  it.each(['not an address', 'http://127.0.0.1:1/ws'])('refuses the address %s', async (url) => {
    const options = { coins: ['BTC'], book, now: () => time, url }
    await expect(streamTrades(options, stopped.signal)).rejects.toThrow(InputError)
  })
})
