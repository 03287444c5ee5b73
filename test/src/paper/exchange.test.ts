import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { LIQUIDATION } from '#src/ledger/state.ts'
import {
  barsOf,
  DAILY_OF_ONE_PERCENT,
  type Desk,
  eventsOfKind,
  FIRST,
  intend,
  lastWord,
  listingOf,
  openDesk,
  order,
  pass,
  type Row,
  send,
} from './desk.ts'

const MINUTE = 60_000
const QUIET: Row = [100, 100, 100, 100]
const NO_MATCH = 'Order could not immediately match against any resting orders.'

function deskOf(rows: readonly (Row | null)[], settings = {}): Desk {
  return openDesk([listingOf(barsOf('BTC', rows))], settings)
}

/** A coin that moved by 1 % every hour, and an account that can take a hundredth of its day. */
function wildDesk(): Desk {
  return openDesk([listingOf(barsOf('BTC', [QUIET], 0.01))], {}, 100_000_000_000)
}

function fills(desk: Desk) {
  return eventsOfKind(desk, 'fill').map(({ time, size, price, fee, liquidity }) => ({
    minutes: (time - FIRST) / MINUTE,
    size,
    price,
    fee,
    liquidity,
  }))
}

describe('an immediate order', () => {
  it('fills at the ask on arrival, and pays fee and slippage', async () => {
    const desk = deskOf([QUIET])
    const buy = order(2)
    expect(await send(desk, buy, FIRST)).toBe('open')
    await pass(desk, FIRST + HOUR)
    // Half-spread 1 bp: 100.01, twice; 4.5 bp of 200.02 dollars.
    expect(eventsOfKind(desk, 'fill')).toEqual([
      {
        kind: 'fill',
        time: FIRST,
        coin: 'BTC',
        cloid: buy.cloid,
        size: 2,
        price: 100.01,
        notional: 200_020_000,
        fee: 90_009,
        liquidity: 'taker',
        slippage: 20_000,
        closedPnl: 0,
      },
    ])
    expect(desk.journal.state.openOrders.size).toBe(0)
  })

  it('realises the result of what it closes at average cost', async () => {
    const desk = deskOf([QUIET, [110, 110, 110, 110]])
    await send(desk, order(2), FIRST)
    await pass(desk, FIRST + HOUR)
    await send(desk, order(-1, { limitPrice: 90, reduceOnly: true }), FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    const [, sale] = eventsOfKind(desk, 'fill')
    expect(sale.price).toBeCloseTo(109.989, 10)
    // 109.989 less 100.01, for one coin.
    expect(sale.closedPnl).toBe(9_979_000)
    // The decision was taken at 100: the sale gained 9.989 against it.
    expect(sale.slippage).toBe(-9_989_000)
  })

  it('arrives after its latency, at the price the path has then', async () => {
    // No spread of latency: 10 minutes of 20 on the way from 100 to 96.
    const desk = deskOf([[100, 110, 96, 105]], { latencyMs: 10 * MINUTE, latencySpread: 0 })
    await send(desk, order(1), FIRST)
    await pass(desk, FIRST + HOUR)
    expect(fills(desk)).toMatchObject([{ minutes: 10, price: 98 * 1.0001 }])
  })

  it('waits for the next hour where it takes so long', async () => {
    const desk = deskOf([QUIET, [104, 104, 104, 104]], { latencyMs: 70 * MINUTE, latencySpread: 0 })
    await send(desk, order(1), FIRST)
    await pass(desk, FIRST + HOUR)
    expect(fills(desk)).toEqual([])
    await pass(desk, FIRST + 2 * HOUR)
    expect(fills(desk)).toMatchObject([{ minutes: 70 }])
  })

  it('belongs to the next hour where it arrives as that begins', async () => {
    const desk = deskOf([QUIET, [104, 104, 104, 104]], { latencyMs: 60 * MINUTE, latencySpread: 0 })
    await send(desk, order(1), FIRST)
    await pass(desk, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    expect(fills(desk)).toMatchObject([{ minutes: 60, price: 104 * 1.0001 }])
  })

  it('arrives at once where it was sent an hour late', async () => {
    const desk = deskOf([QUIET, QUIET])
    const buy = order(1)
    intend(desk, buy, FIRST)
    await pass(desk, FIRST + HOUR)
    await desk.venue.submit(desk.journal, buy, FIRST + HOUR, desk.listings.get('BTC')!)
    await pass(desk, FIRST + 2 * HOUR)
    expect(fills(desk)).toMatchObject([{ minutes: 60, size: 1 }])
  })

  it('walks the book, and pays two thirds of the impact on average', async () => {
    const desk = wildDesk()
    await send(desk, order(240, { limitPrice: 110 }), FIRST)
    await send(desk, order(-240, { limitPrice: 90 }), FIRST)
    await pass(desk, FIRST + HOUR)
    const [bought, sold] = fills(desk)
    expect(bought.price).toBeCloseTo(100 * (1 + 0.0001 + 0.0022749008), 5)
    expect(sold.price).toBeCloseTo(100 * (1 - 0.0001 - 0.0022749008), 5)
  })

  it('stops at its limit, and the rest is cancelled in the words of the venue', async () => {
    const desk = wildDesk()
    // Impact may move the price by 0.24 %: (0.0024 / 0.034124) squared of 24,000 coins, on the lot grid.
    const buy = order(200, { limitPrice: 100.25 })
    await send(desk, buy, FIRST)
    await pass(desk, FIRST + HOUR)
    const coins = Math.floor(100 * 24_000 * (0.0024 / (0.7 * DAILY_OF_ONE_PERCENT)) ** 2) / 100
    expect(coins).toBeCloseTo(118.72, 2)
    expect(fills(desk)).toMatchObject([{ size: coins, price: expect.closeTo(100 * (1.0001 + 0.0016), 4) }])
    expect(lastWord(desk, buy)).toEqual({ status: 'cancelled', message: NO_MATCH, remaining: expect.closeTo(81.28, 8) })
  })

  it('takes no more than the hour traded, all orders together', async () => {
    const desk = deskOf([[100, 100, 100, 100, 5]])
    const [first, second] = [order(3), order(3)]
    await send(desk, first, FIRST)
    await send(desk, second, FIRST)
    await pass(desk, FIRST + HOUR)
    expect(fills(desk).map(({ size }) => size)).toEqual([3, 2])
    expect(lastWord(desk, second)).toMatchObject({ status: 'cancelled', remaining: 1 })
  })

  it('is refused where nothing matches its limit, and where the book is empty', async () => {
    const beyond = deskOf([QUIET])
    const low = order(1, { limitPrice: 100 })
    await send(beyond, low, FIRST)
    await pass(beyond, FIRST + HOUR)
    expect(lastWord(beyond, low)).toEqual({ status: 'rejected', message: NO_MATCH, remaining: 1 })
    for (const rows of [[null], [[100, 100, 100, 100, 0] as const]]) {
      const empty = deskOf(rows)
      const buy = order(1)
      await send(empty, buy, FIRST)
      await pass(empty, FIRST + HOUR)
      const message = 'No liquidity available for market order.'
      expect(lastWord(empty, buy)).toEqual({ status: 'rejected', message, remaining: 1 })
    }
  })
})

describe('an order is judged when it is sent', () => {
  it('by its own numbers, in the words of the venue', async () => {
    const desk = deskOf([QUIET])
    expect(await send(desk, order(1, { limitPrice: 100.001 }), FIRST)).toBe('Price must be divisible by tick size.')
    expect(await send(desk, order(0.09), FIRST)).toBe('Order must have minimum value of $10.')
    expect(await send(desk, order(1, { reduceOnly: true }), FIRST)).toBe('Reduce only order would increase position.')
    expect(desk.journal.state.openOrders.size).toBe(0)
  })

  it('against the last close, and not against the hour that begins', async () => {
    const desk = deskOf([[600, 600, 600, 600]])
    expect(await send(desk, order(1), FIRST)).toBe('open')
    expect(await send(desk, order(-1, { limitPrice: 300 }), FIRST)).toMatch(/more than 80% away/)
  })

  it('by the margin that is there: 10,000 dollars carry 200 coins at leverage 2 and no more', async () => {
    const desk = deskOf([QUIET])
    const margin = { mode: 'cross', leverage: 2 } as const
    expect(await send(desk, order(200.01, { margin }), FIRST)).toBe('Insufficient margin to place order.')
    expect(await send(desk, order(200, { margin }), FIRST)).toBe('open')
    expect(eventsOfKind(desk, 'leverage')).toMatchObject([{ coin: 'BTC', mode: 'cross', leverage: 2 }])
  })

  it('by what no isolated position has taken', async () => {
    const desk = openDesk(['BTC', 'ETH'].map((coin) => listingOf(barsOf(coin, [QUIET]))))
    await send(desk, order(90, { margin: { mode: 'isolated', leverage: 2 } }), FIRST)
    await pass(desk, FIRST + HOUR)
    // 4,500.45 dollars of 10,000 are the position's, fees included.
    expect(await send(desk, order(54.9, { coin: 'ETH' }), FIRST + HOUR)).toBe('open')
    expect(await send(desk, order(55, { coin: 'ETH' }), FIRST + HOUR)).toBe('Insufficient margin to place order.')
  })

  it('again when it arrives: two orders cannot use the same margin', async () => {
    const desk = deskOf([QUIET])
    const margin = { mode: 'cross', leverage: 1 } as const
    const [first, second] = [order(60, { margin }), order(60, { margin })]
    expect(await send(desk, first, FIRST)).toBe('open')
    expect(await send(desk, second, FIRST)).toBe('open')
    await pass(desk, FIRST + HOUR)
    expect(fills(desk)).toHaveLength(1)
    expect(lastWord(desk, second)).toMatchObject({ message: 'Insufficient margin to place order.', remaining: 60 })
  })

  it('turning a position over needs margin for the new side only', async () => {
    const desk = deskOf([QUIET, QUIET])
    await send(desk, order(90), FIRST)
    await pass(desk, FIRST + HOUR)
    expect(await send(desk, order(-195, {}), FIRST + HOUR)).toBe('Insufficient margin to place order.')
    expect(await send(desk, order(-180, {}), FIRST + HOUR)).toBe('open')
    await pass(desk, FIRST + 2 * HOUR)
    expect(desk.journal.state.account.holdings.get('BTC')!.size).toBe(-90)
  })

  it('by margin mode and tiers', async () => {
    const tiers = [
      { lowerBound: 0, maxLeverage: 20 },
      { lowerBound: 5000, maxLeverage: 5 },
    ]
    const bars = barsOf('BTC', [QUIET])
    const desk = openDesk([listingOf(bars, { marginTiers: tiers, strictlyIsolated: true })])
    const cross = { mode: 'cross', leverage: 2 } as const
    expect(await send(desk, order(1, { margin: cross }), FIRST)).toBe('Cross margin is not allowed for this asset.')
    const wild = { mode: 'isolated', leverage: 21 } as const
    expect(await send(desk, order(1, { margin: wild }), FIRST)).toBe('Invalid leverage value')
    const high = { mode: 'isolated', leverage: 20 } as const
    expect(await send(desk, order(51, { margin: high }), FIRST)).toBe(
      'Order would cause position to exceed margin tier limit at current leverage',
    )
    expect(await send(desk, order(49, { margin: high }), FIRST)).toBe('open')
  })

  it('not by a market that never traded', async () => {
    const desk = openDesk([listingOf(barsOf('BTC', []))])
    const listing = listingOf({ ...barsOf('BTC', []), openTime: new Float64Array() })
    const buy = order(1)
    intend(desk, buy, FIRST)
    await desk.venue.submit(desk.journal, buy, FIRST, listing)
    expect(desk.journal.state.openOrders.size).toBe(0)
  })
})

describe('a resting order', () => {
  it('fills as maker at its price, with its share of what trades beyond it', async () => {
    // 100 -> 90 -> 100 -> 100; below 95 from minute 10 to 30. A tenth of 600 coins an hour is one coin a minute.
    const desk = deskOf([[100, 100, 90, 100, 600]])
    const bid = order(15, { limitPrice: 95, timeInForce: 'Gtc' })
    await send(desk, bid, FIRST)
    await pass(desk, FIRST + HOUR)
    expect(fills(desk)).toEqual([
      { minutes: 20, size: 10, price: 95, fee: 142_500, liquidity: 'maker' },
      { minutes: 25, size: 5, price: 95, fee: 71_250, liquidity: 'maker' },
    ])
    expect(desk.journal.state.openOrders.size).toBe(0)
  })

  it('keeps resting with what is left, hour after hour', async () => {
    const desk = deskOf([[100, 100, 90, 100, 600], QUIET, null, [90, 90, 90, 90, 60]])
    const bid = order(26, { limitPrice: 95, timeInForce: 'Alo' })
    await send(desk, bid, FIRST)
    await pass(desk, FIRST + HOUR)
    expect(desk.journal.state.openOrders.get(bid.cloid)).toMatchObject({ status: 'open', remaining: 6 })
    await pass(desk, FIRST + 2 * HOUR)
    await pass(desk, FIRST + 3 * HOUR)
    await pass(desk, FIRST + 4 * HOUR)
    expect(fills(desk).map(({ minutes, size }) => [minutes, size])).toEqual([
      [20, 10],
      [30, 10],
      [200, 2],
      [220, 2],
      [240, 2],
    ])
  })

  it('is not filled by a price that only touches it', async () => {
    const desk = deskOf([[100, 100, 95, 100, 600]])
    await send(desk, order(1, { limitPrice: 95, timeInForce: 'Gtc' }), FIRST)
    await pass(desk, FIRST + HOUR)
    expect(fills(desk)).toEqual([])
  })

  it('shares what trades beyond it with the other orders of the account', async () => {
    const desk = deskOf([[100, 100, 90, 90, 600]])
    const [better, worse] = [97, 95].map((limitPrice) => order(10, { limitPrice, timeInForce: 'Alo' }))
    await send(desk, worse, FIRST)
    await send(desk, better, FIRST)
    await pass(desk, FIRST + HOUR)
    // 100 -> 100 -> 90 -> 90: below 97 from minute 26 and below 95 from 30; one coin a minute for both together.
    expect(eventsOfKind(desk, 'fill').map(({ cloid, size, time }) => [cloid, size, (time - FIRST) / MINUTE])).toEqual([
      [better.cloid, 10, 36],
      [worse.cloid, 10, 50],
    ])
  })

  it('is refused as post-only where it would match, with the best prices', async () => {
    const desk = deskOf([QUIET])
    const bid = order(1, { limitPrice: 100.01, timeInForce: 'Alo' })
    expect(await send(desk, bid, FIRST)).toBe('open')
    await pass(desk, FIRST + HOUR)
    const message = 'Post only order would have immediately matched, bbo was 99.99@100.01.'
    expect(lastWord(desk, bid)).toEqual({ status: 'rejected', message, remaining: 1 })
    const rests = deskOf([QUIET])
    await send(rests, order(1, { limitPrice: 100, timeInForce: 'Alo' }), FIRST)
    await pass(rests, FIRST + HOUR)
    expect(rests.journal.state.openOrders.size).toBe(1)
  })

  it('takes what crosses and rests with what is left of a good-till-cancel order', async () => {
    // 5 coins are all that trades in the first hour; the second trades below.
    const desk = deskOf([
      [100, 100, 100, 100, 5],
      [99, 99, 99, 99, 60],
    ])
    await send(desk, order(7, { limitPrice: 101, timeInForce: 'Gtc' }), FIRST)
    await pass(desk, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    const [first, ...rest] = fills(desk)
    expect(first).toMatchObject({ size: 5, liquidity: 'taker', minutes: 0 })
    expect(rest.every(({ liquidity, price }) => liquidity === 'maker' && price === 101)).toBe(true)
    expect(fills(desk).reduce((sum, { size }) => sum + size, 0)).toBeCloseTo(7, 9)
  })

  it('can be taken back; what is not open stays as it is', async () => {
    const desk = deskOf([QUIET])
    const bid = order(1, { limitPrice: 95, timeInForce: 'Gtc' })
    intend(desk, bid, FIRST)
    await desk.venue.cancel(desk.journal, bid.cloid, FIRST)
    expect(desk.journal.state.openOrders.get(bid.cloid)!.status).toBe('intended')
    await desk.venue.submit(desk.journal, bid, FIRST, desk.listings.get('BTC')!)
    await desk.venue.cancel(desk.journal, bid.cloid, FIRST)
    await desk.venue.cancel(desk.journal, bid.cloid, FIRST)
    desk.journal.commit()
    expect(eventsOfKind(desk, 'order').map(({ status }) => status)).toEqual(['open', 'cancelled'])
  })

  it('ends where the margin is gone when it would be matched', async () => {
    const desk = deskOf([QUIET, [90, 90, 90, 90, 100_000]])
    const bid = order(60, { limitPrice: 95, timeInForce: 'Gtc' })
    await send(desk, bid, FIRST)
    await send(desk, order(60), FIRST)
    await pass(desk, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    expect(lastWord(desk, bid)).toEqual({ status: 'cancelled', message: 'marginCanceled', remaining: 60 })
  })
})

describe('a reduce-only order', () => {
  it('is shrunk to the position and never turns it', async () => {
    const desk = deskOf([QUIET, QUIET])
    await send(desk, order(2), FIRST)
    await pass(desk, FIRST + HOUR)
    const close = order(-5, { reduceOnly: true })
    expect(await send(desk, close, FIRST + HOUR)).toBe('open')
    await pass(desk, FIRST + 2 * HOUR)
    expect(fills(desk).map(({ size }) => size)).toEqual([2, -2])
    expect(desk.journal.state.account.holdings.get('BTC')!.size).toBe(0)
    expect(lastWord(desk, close)).toEqual({ status: 'cancelled', message: 'reduceOnlyCanceled', remaining: -3 })
  })

  it('needs no margin, however large it is', async () => {
    const desk = deskOf([QUIET, QUIET])
    await send(desk, order(90), FIRST)
    await pass(desk, FIRST + HOUR)
    expect(await send(desk, order(-300, { reduceOnly: true }), FIRST + HOUR)).toBe('open')
  })

  it('ends when it rests and another order makes the position flat', async () => {
    const desk = deskOf([QUIET, QUIET, QUIET])
    await send(desk, order(2), FIRST)
    await pass(desk, FIRST + HOUR)
    const ask = order(-2, { limitPrice: 110, timeInForce: 'Gtc', reduceOnly: true })
    await send(desk, ask, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    await send(desk, order(-2, { reduceOnly: true }), FIRST + 2 * HOUR)
    await pass(desk, FIRST + 3 * HOUR)
    expect(lastWord(desk, ask)).toEqual({ status: 'cancelled', message: 'reduceOnlyCanceled', remaining: -2 })
    expect(desk.journal.state.openOrders.size).toBe(0)
  })

  it('is refused on arrival where the position is gone by then', async () => {
    const desk = deskOf([QUIET, QUIET])
    await send(desk, order(2), FIRST)
    await pass(desk, FIRST + HOUR)
    const [first, second] = [order(-2, { reduceOnly: true }), order(-2, { reduceOnly: true })]
    await send(desk, first, FIRST + HOUR)
    await send(desk, second, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    expect(lastWord(desk, second)).toMatchObject({ message: 'Reduce only order would increase position.' })
  })

  it('shrinks while it rests: what is left of the position is all it fills', async () => {
    const desk = deskOf([QUIET, QUIET, [120, 120, 120, 120]])
    await send(desk, order(4), FIRST)
    await pass(desk, FIRST + HOUR)
    const ask = order(-4, { limitPrice: 110, timeInForce: 'Gtc', reduceOnly: true })
    await send(desk, ask, FIRST + HOUR)
    await send(desk, order(-3, { reduceOnly: true }), FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    await pass(desk, FIRST + 3 * HOUR)
    expect(fills(desk).map(({ size }) => size)).toEqual([4, -3, -1])
    expect(lastWord(desk, ask)).toMatchObject({ message: 'reduceOnlyCanceled', remaining: -3 })
  })
})

describe('the full hour', () => {
  it('pays funding on what is held at the close, and marks it', async () => {
    const desk = deskOf([[100, 102, 100, 102, 1000, 0.0001]])
    await send(desk, order(-2), FIRST)
    await pass(desk, FIRST + HOUR)
    const time = FIRST + HOUR
    expect(eventsOfKind(desk, 'funding')).toEqual([
      { kind: 'funding', time, coin: 'BTC', size: -2, price: 102, rate: 0.0001, amount: 20_400 },
    ])
    expect(eventsOfKind(desk, 'mark')).toEqual([{ kind: 'mark', time, coin: 'BTC', price: 102, stale: false }])
  })

  it('says what it does not know: no rate, no bar', async () => {
    const desk = deskOf([[100, 100, 100, 100, 1000, Number.NaN], null])
    await send(desk, order(1), FIRST)
    await pass(desk, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    expect(eventsOfKind(desk, 'funding')).toMatchObject([
      { rate: null, amount: 0, price: 100 },
      { rate: null, amount: 0, price: 100 },
    ])
    expect(eventsOfKind(desk, 'mark').map(({ price, stale }) => [price, stale])).toEqual([
      [100, false],
      [100, true],
    ])
  })

  it('must be the next one', async () => {
    const desk = deskOf([QUIET])
    await expect(desk.venue.advance(desk.journal, FIRST + 2 * HOUR, desk.listings)).rejects.toThrow(/hour by hour/)
    await expect(desk.venue.advance(desk.journal, FIRST, desk.listings)).rejects.toThrow(/hour by hour/)
  })

  it('stops when it is told to', async () => {
    const desk = deskOf([QUIET])
    const signal = AbortSignal.abort()
    await expect(desk.venue.advance(desk.journal, FIRST + HOUR, desk.listings, signal)).rejects.toThrow(/abort/)
  })
})

describe('fees of the account', () => {
  it('fall at the end of the UTC day in which the volume was traded', async () => {
    const rows = Array.from({ length: 26 }, (): Row => [100, 100, 100, 100, 100_000])
    const desk = openDesk([listingOf(barsOf('BTC', rows))], {}, 9_000_000_000_000)
    // 5.4 million dollars at the first hour of a day, more the next day.
    await send(desk, order(54_000), FIRST)
    await pass(desk, FIRST + HOUR)
    await send(desk, order(-27_000), FIRST + HOUR)
    for (let hour = 2; hour <= 24; hour++) await pass(desk, FIRST + hour * HOUR)
    await send(desk, order(-27_000), FIRST + 24 * HOUR)
    await pass(desk, FIRST + 25 * HOUR)
    expect(fills(desk).map(({ fee, size, price }) => fee / 1e6 / Math.abs(size * price))).toEqual([
      expect.closeTo(0.00045, 9),
      expect.closeTo(0.00045, 9),
      expect.closeTo(0.0004, 9),
    ])
  })
})

describe('isolated margin', () => {
  const margin = { mode: 'isolated', leverage: 4 } as const

  it('comes in with what opens and goes back when the position is flat', async () => {
    const desk = deskOf([QUIET, QUIET, QUIET])
    await send(desk, order(2, { margin }), FIRST)
    await pass(desk, FIRST + HOUR)
    await send(desk, order(2), FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    // A quarter of 200.02 dollars, twice.
    expect(eventsOfKind(desk, 'transfer').map(({ amount }) => amount)).toEqual([50_005_000, 50_005_000])
    await send(desk, order(-4, { reduceOnly: true }), FIRST + 2 * HOUR)
    await pass(desk, FIRST + 3 * HOUR)
    const fees = eventsOfKind(desk, 'fill').reduce((sum, { fee }) => sum + fee, 0)
    const { account } = desk.journal.state
    expect(account.holdings.get('BTC')).toMatchObject({ size: 0, rawUsd: 0 })
    // Bought at 100.01 and sold at 99.99.
    expect(eventsOfKind(desk, 'transfer')[2].amount).toBe(-(100_010_000 - 80_000 - fees))
    expect(account.cash).toBe(10_000_000_000 - 80_000 - fees)
  })

  it('shrinks in proportion where it cannot be taken out', async () => {
    const desk = openDesk([listingOf(barsOf('BTC', [QUIET, QUIET]), { strictlyIsolated: true })])
    await send(desk, order(4, { margin }), FIRST)
    await pass(desk, FIRST + HOUR)
    const { rawUsd } = desk.journal.state.account.holdings.get('BTC')!
    await send(desk, order(-3, { reduceOnly: true }), FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    const [, fill] = eventsOfKind(desk, 'fill')
    // Valued at the fill's price of 99.99, of which three quarters go.
    const margined = rawUsd - fill.notional - fill.fee + 99_990_000
    expect(eventsOfKind(desk, 'transfer')[1].amount).toBe(-Math.floor(0.75 * margined))
  })

  it('is that of the new side where a position is turned over', async () => {
    const desk = deskOf([QUIET, QUIET])
    await send(desk, order(4, { margin }), FIRST)
    await pass(desk, FIRST + HOUR)
    await send(desk, order(-6), FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    const { size, rawUsd } = desk.journal.state.account.holdings.get('BTC')!
    // Two coins short at 99.99, marked at 100: a quarter of 199.98 dollars, less what the mark has moved.
    expect(size).toBe(-2)
    expect(rawUsd - 200_000_000).toBe(49_995_000 - 20_000)
  })
})

describe('a liquidation', () => {
  const margin = { mode: 'isolated', leverage: 10 } as const

  it('closes at the market where something is left, and cancels what would open', async () => {
    // 10 dollars of margin behind 100.01: below 2.5 % of the value under 92.36, below two thirds of it under 91.58.
    const desk = deskOf([QUIET, [100, 100, 92, 100, 1000]])
    await send(desk, order(1, { margin }), FIRST)
    await pass(desk, FIRST + HOUR)
    const bid = order(1, { limitPrice: 70, timeInForce: 'Gtc' })
    await send(desk, bid, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    expect(eventsOfKind(desk, 'liquidation')).toMatchObject([{ coins: ['BTC'], mode: 'isolated', method: 'market' }])
    const time = FIRST + HOUR + 20 * MINUTE
    expect(eventsOfKind(desk, 'fill').at(-1)).toMatchObject({
      cloid: LIQUIDATION,
      time,
      size: -1,
      price: expect.closeTo(92 * 0.9999, 10),
      fee: Math.round(92e6 * 0.9999 * 0.00045),
      slippage: 9200,
    })
    expect(lastWord(desk, bid)).toMatchObject({ status: 'cancelled', message: 'liquidatedCanceled' })
    expect(desk.journal.state.account.holdings.get('BTC')).toMatchObject({ size: 0, rawUsd: 0 })
    expect(eventsOfKind(desk, 'funding').filter((event) => event.time > time)).toEqual([])
  })

  it('begins with the first price of an hour', async () => {
    const desk = deskOf([QUIET, [92, 100, 92, 100]])
    await send(desk, order(1, { margin }), FIRST)
    await pass(desk, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    expect(eventsOfKind(desk, 'liquidation')).toMatchObject([{ time: FIRST + HOUR }])
  })

  it('ends what was to reduce the position, and leaves other coins alone', async () => {
    const bars = [barsOf('BTC', [QUIET, [100, 100, 92, 100]]), barsOf('ETH', [QUIET, QUIET])]
    const desk = openDesk(bars.map((history) => listingOf(history)))
    await send(desk, order(1, { margin }), FIRST)
    await pass(desk, FIRST + HOUR)
    const ask = order(-1, { limitPrice: 110, timeInForce: 'Gtc', reduceOnly: true })
    const other = order(1, { coin: 'ETH', limitPrice: 70, timeInForce: 'Gtc' })
    for (const request of [ask, other]) await send(desk, request, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    expect(eventsOfKind(desk, 'liquidation')).toHaveLength(1)
    expect(lastWord(desk, ask)).toMatchObject({ status: 'cancelled', message: 'reduceOnlyCanceled' })
    expect(desk.journal.state.openOrders.get(other.cloid)?.status).toBe('open')
  })

  it.each([
    ['long', 1, [100, 100, 92, 100]],
    ['short', -1, [100, 107.5, 100, 100]],
  ] as const)('never costs a %s more than its margin, however thin the book', async (_, side, row) => {
    // 6 coins a day, at steps of 1 % an hour: the walk for 900 coins would go 28 % deep, and some 2 % are left.
    const bars = barsOf('BTC', [[100, 100, 100, 100, 1e6], row], 0.01)
    const desk = openDesk([listingOf(bars)], {}, 2_000_000_000_000)
    await send(desk, order(900 * side, { margin, limitPrice: 100 + 10 * side }), FIRST)
    await pass(desk, FIRST + HOUR)
    bars.volume.fill(0.25, 0, 241)
    await pass(desk, FIRST + 2 * HOUR)
    expect(eventsOfKind(desk, 'liquidation').map(({ method }) => method)).toContain('market')
    const lost = 2_000_000_000_000 - desk.journal.state.account.cash
    const put = eventsOfKind(desk, 'transfer')[0].amount
    expect(put - lost).toBeGreaterThanOrEqual(0)
    expect(put - lost).toBeLessThan(10)
  })

  it('of a strictly isolated position takes no margin out between its parts', async () => {
    const bars = barsOf('BTC', [
      [100, 100, 100, 100, 1e6],
      [100, 100, 91.7, 100, 1e6],
    ])
    const desk = openDesk([listingOf(bars, { strictlyIsolated: true })], {}, 2_000_000_000_000)
    await send(desk, order(1100, { margin }), FIRST)
    await pass(desk, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    // Above 100,000 dollars a fifth goes first.
    expect(fills(desk).map(({ size }) => size)).toEqual([1100, -220, -880])
    expect(eventsOfKind(desk, 'transfer')).toHaveLength(2)
  })

  it('is left to the vault where too little is left', async () => {
    const desk = deskOf([QUIET, [100, 100, 80, 100, 1000]])
    await send(desk, order(1, { margin }), FIRST)
    await pass(desk, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    expect(eventsOfKind(desk, 'liquidation')).toMatchObject([{ coins: ['BTC'], method: 'backstop' }])
    expect(desk.journal.state.account.cash).toBe(10_000_000_000 - eventsOfKind(desk, 'transfer')[0].amount)
  })

  it('does not come from an hour without a bar', async () => {
    const desk = deskOf([QUIET, null])
    await send(desk, order(1, { margin }), FIRST)
    await pass(desk, FIRST + HOUR)
    await pass(desk, FIRST + 2 * HOUR)
    expect(eventsOfKind(desk, 'liquidation')).toEqual([])
  })
})
