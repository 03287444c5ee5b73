import { HttpTransport } from '@nktkas/hyperliquid'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { allocateBars, HOUR } from '#data/bars.ts'
import { createRequester } from '#data/providers/hyperliquid-requests.ts'
import { createWeightBudget } from '#data/weight-budget.ts'
import { checkIdentity, equityOf } from '#src/account/account.ts'
import { toMicro } from '#src/account/money.ts'
import type { IntentEvent, LedgerEvent } from '#src/ledger/events.ts'
import { type Journal, openJournal } from '#src/ledger/journal.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { openLiveVenue } from '#src/live/door.ts'
import { connectHyperliquid } from '#src/live/hyperliquid-venue.ts'
import { readSigningKey } from '#src/live/key.ts'
import { orderWire } from '#src/live/order-wire.ts'
import { createSigner } from '#src/live/signer.ts'
import { priceDecimals } from '#src/paper/rules.ts'
import type { OrderRequest } from '#src/venue/order.ts'
import type { Listing, Venue } from '#src/venue/venue.ts'
import { startTrading, type Trading, type TradingOptions } from '../../exchange/trading.ts'

const KEY = '0x0123456789012345678901234567890123456789012345678901234567890123'
const MASTER = '0xABCDEF0000000000000000000000000000000001'
const START = Date.UTC(2025, 0, 1)
const COINS = [
  { name: 'BTC', sizeDecimals: 5, price: 95_000 },
  { name: 'ETH', sizeDecimals: 4, price: 3_000 },
]
const signer = createSigner(readSigningKey({ HYPERLIQUID_KEY: KEY }))

/** A ledger that may trade with money, a clock that moves when told or slept, and the exchange. */
interface Floor {
  readonly trading: Trading
  readonly journal: Journal
  readonly venue: Venue
  readonly listings: ReadonlyMap<string, Listing>
  readonly clock: { now: number }
  readonly events: () => LedgerEvent[]
  /** Lives through the hour that ends `hours` after the start. */
  readonly hour: (hours: number) => Promise<void>
}

const open: Trading[] = []
afterEach(async () => {
  for (const trading of open.splice(0)) await trading.close()
})

/** Bars that close at 3000 (ETH) and 95000 (BTC) every hour. */
function listingOf({ name, sizeDecimals, price }: TradingOptions['coins'][number]): Listing {
  const bars = allocateBars(name, 40)
  for (let i = 0; i < 40; i++) {
    bars.openTime[i] = START + (i - 5) * HOUR
    bars.close[i] = price
  }
  return { contract: { coin: name, sizeDecimals, marginTiers: [{ lowerBound: 0, maxLeverage: 20 }] }, bars }
}

async function openFloor(change: Partial<TradingOptions> = {}): Promise<Floor> {
  const clock = { now: START }
  const now = () => clock.now
  const sleep = async (milliseconds: number) => {
    clock.now += milliseconds
  }
  const trading = await startTrading({ coins: COINS, account: MASTER, signer: signer.address, now, ...change })
  open.push(trading)
  const store = createMemoryLedger()
  const journal = openJournal(store)
  journal.record({ kind: 'deposit', time: START, amount: toMicro(10_000) })
  const steps = { by: 'gates', reason: 'so', evidence: {}, kind: 'graduation', time: START } as const
  journal.record({ ...steps, from: 'paper', to: 'eligible' })
  journal.record({ ...steps, from: 'eligible', to: 'approved', by: 'Ada' })
  journal.record({ kind: 'hour', time: START, equity: toMicro(10_000), gross: 0, net: 0 })
  journal.commit()
  const transport = new HttpTransport({ apiUrl: trading.url, timeout: 2_000 })
  const ask = createRequester({
    transport,
    budget: createWeightBudget({ limit: 1e9, now, sleep }),
    policy: { retries: 2, firstDelay: 100, longestDelay: 1_000, refusedDelay: 1_000 },
    sleep,
    random: { uniform: () => 0 },
  })
  const venue = openLiveVenue(journal.state, () =>
    connectHyperliquid({ transport, ask, signer, account: MASTER, now, sleep }),
  )
  const listings = new Map(COINS.map((coin) => [coin.name, listingOf(coin)]))
  return {
    trading,
    journal,
    venue,
    listings,
    clock,
    events: () => {
      journal.commit()
      return [...store.events()].slice(4)
    },
    async hour(hours) {
      const time = START + hours * HOUR
      clock.now = Math.max(clock.now, time + 20_000)
      await venue.advance(journal, time, listings)
      checkIdentity(journal.state.account)
      journal.record({ kind: 'hour', time, equity: equityOf(journal.state.account), gross: 0, net: 0 })
    },
  }
}

let counter = 0
function orderOf(size: number, limitPrice: number, change: Partial<OrderRequest> = {}): OrderRequest {
  counter++
  const cloid = `0xa${counter.toString(16).padStart(31, '0')}`
  return { cloid, coin: 'ETH', size, limitPrice, timeInForce: 'Ioc', reduceOnly: false, ...change }
}

async function submit(
  { journal, venue, listings }: Floor,
  order: OrderRequest,
  time = journal.state.time,
): Promise<void> {
  const plan = { direction: 1, holdUntil: 0, trendProbability: 0, edge: 0, sources: {} } as const
  const purpose: IntentEvent['purpose'] = order.reduceOnly ? { closes: 'horizon' } : { opens: plan }
  journal.record({ kind: 'intent', time, coin: order.coin, order, referencePrice: 3_000, purpose })
  journal.commit()
  await venue.submit(journal, order, time, listings.get(order.coin)!)
}

const last = (floor: Floor) => floor.events().at(-1)

describe('an order on its way', () => {
  it('goes out signed, is filled, paid funding for and closed: the ledger has what the venue has', async () => {
    const floor = await openFloor()
    floor.trading.price('ETH', 3_001)
    const margin = { mode: 'isolated', leverage: 5 } as const
    await submit(floor, orderOf(2, 3_100, { margin }))
    expect(floor.trading.actions).toEqual(['updateLeverage', 'order'])
    expect(floor.events().map(({ kind }) => kind)).toEqual(['intent', 'leverage', 'order'])
    expect(last(floor)).toMatchObject({ status: 'open', remaining: 2 })

    floor.clock.now = START + HOUR + 50
    floor.trading.settle('ETH', 1e-5)
    await floor.hour(1)
    const told = floor.events().slice(3)
    expect(told).toMatchObject([
      {
        kind: 'fill',
        size: 2,
        price: 3_001,
        notional: toMicro(6_002),
        fee: toMicro(2.7009),
        liquidity: 'taker',
        slippage: toMicro(2),
        closedPnl: 0,
      },
      { kind: 'funding', time: START + HOUR, size: 2, rate: 1e-5, amount: toMicro(-0.06002) },
      { kind: 'transfer', amount: toMicro(6_002 / 5) },
      { kind: 'mark', price: 3_000, stale: false },
      { kind: 'hour' },
    ])
    const holding = floor.journal.state.account.holdings.get('ETH')!
    expect(holding.rawUsd).toBe(toMicro(floor.trading.positions.get('ETH')!.rawUsd))

    await submit(floor, orderOf(-2, 2_900, { reduceOnly: true }))
    await floor.hour(2)
    expect(floor.journal.state.account.holdings.get('ETH')).toMatchObject({ size: 0, rawUsd: 0 })
    expect(floor.journal.state.history.trades).toHaveLength(1)
    expect(floor.journal.state.openOrders.size).toBe(0)
  })

  it('rests, is filled in part, and is taken back', async () => {
    const floor = await openFloor()
    const order = orderOf(2, 2_900, { timeInForce: 'Alo' })
    await submit(floor, order)
    floor.trading.fill(order.cloid, 0.5)
    floor.trading.settle('ETH', 0)
    floor.clock.now = START + HOUR
    floor.trading.settle('ETH', 0)
    await floor.hour(1)
    expect(floor.journal.state.openOrders.get(order.cloid)).toMatchObject({ status: 'open', remaining: 1.5 })
    await floor.venue.cancel(floor.journal, order.cloid, START + HOUR)
    expect(last(floor)).toMatchObject({ kind: 'order', status: 'cancelled', remaining: 1.5 })
    expect(floor.journal.state.openOrders.size).toBe(0)
    await floor.venue.cancel(floor.journal, order.cloid, START + HOUR)
    expect(floor.trading.actions.filter((action) => action === 'cancelByCloid')).toHaveLength(1)
  })

  it('is told with its fill where it was filled between the last hour and the cancellation', async () => {
    const floor = await openFloor()
    const order = orderOf(2, 2_900, { timeInForce: 'Gtc' })
    await submit(floor, order)
    floor.trading.fill(order.cloid, 0.5)
    await floor.venue.cancel(floor.journal, order.cloid, START)
    expect(floor.journal.state.openOrders.get(order.cloid)).toMatchObject({ status: 'open', remaining: 2 })
    floor.clock.now = START + HOUR
    floor.trading.settle('ETH', 0)
    await floor.hour(1)
    expect(
      floor
        .events()
        .filter(({ kind }) => kind === 'fill' || kind === 'order')
        .slice(1),
    ).toMatchObject([
      { kind: 'fill', size: 0.5, liquidity: 'maker' },
      { kind: 'order', status: 'cancelled', remaining: 1.5, message: 'canceled' },
    ])
  })

  it('ends where an immediate order found too little', async () => {
    const floor = await openFloor()
    floor.trading.price('ETH', 3_000, 0.25)
    await submit(floor, orderOf(-4, 2_900))
    floor.clock.now = START + HOUR
    floor.trading.settle('ETH', 1e-5)
    await floor.hour(1)
    expect(floor.journal.state.account.holdings.get('ETH')!.size).toBe(-1)
    expect(floor.journal.state.openOrders.size).toBe(0)
  })

  it.each([
    [orderOf(0.001, 3_100), 'Order must have minimum value of $10.'],
    [orderOf(1, 2_900), 'Order could not immediately match against any resting orders.'],
    [orderOf(1, 2_900, { reduceOnly: true }), 'Reduce only order would increase position.'],
    [orderOf(1, 3_100, { timeInForce: 'Alo' }), 'Post only order would have immediately matched, bbo was 3000@3000.'],
  ])('is rejected in the venue’s words: %#', async (order, message) => {
    const floor = await openFloor()
    await submit(floor, order)
    expect(last(floor)).toMatchObject({ kind: 'order', status: 'rejected', message })
    expect(floor.journal.state.openOrders.size).toBe(0)
  })

  it('is rejected where its margin mode is', async () => {
    const floor = await openFloor()
    await submit(floor, orderOf(1, 3_100))
    const margin = { mode: 'isolated', leverage: 5 } as const
    await submit(floor, orderOf(1, 3_100, { margin }))
    expect(last(floor)).toMatchObject({
      status: 'rejected',
      message: 'Cannot switch leverage type with open position.',
    })
  })
})

describe('an order of unknown fate', () => {
  it('went out although the answer was lost: it is found by its cloid, and not sent again', async () => {
    const floor = await openFloor()
    floor.trading.loseAnswer()
    const order = orderOf(1, 3_100)
    await submit(floor, order)
    expect(last(floor)).toMatchObject({ status: 'open' })
    await floor.venue.submit(floor.journal, order, START, floor.listings.get('ETH')!)
    expect(floor.trading.actions).toEqual(['order'])
  })

  it.each(['502 html', 'reset', '500 null', 'cut body'] as const)(
    'did not arrive (%s): the venue is asked until it no longer can',
    async (kind) => {
      const floor = await openFloor()
      floor.trading.fail('exchange', kind)
      const order = orderOf(1, 3_100)
      const before = floor.clock.now
      await expect(submit(floor, order)).rejects.toMatchObject({ action: 'retry' })
      // Quiet after connecting, and then until the order has expired.
      expect(floor.clock.now - before).toBeGreaterThan(17_000 + 17_000)
      expect(floor.journal.state.openOrders.get(order.cloid)).toMatchObject({ status: 'intended' })
      await floor.venue.submit(floor.journal, order, START, floor.listings.get('ETH')!)
      expect(last(floor)).toMatchObject({ status: 'open' })
      expect(floor.trading.actions).toEqual(['order'])
    },
  )

  it('was sent by a process that died: it is found before anything is sent', async () => {
    const floor = await openFloor()
    const order = orderOf(1, 3_100)
    await submit(floor, order)
    // The ledger of the dead process has the intent only.
    const again = await openFloor({})
    again.trading.orders.set(order.cloid, { ...floor.trading.orders.get(order.cloid)! })
    await submit(again, order)
    expect(again.trading.actions).toEqual([])
    expect(last(again)).toMatchObject({ status: 'open' })
  })

  it('is not sent in the first seconds after connecting, while a former one may be under way', async () => {
    const floor = await openFloor()
    await submit(floor, orderOf(1, 3_100))
    expect(floor.clock.now).toBeGreaterThanOrEqual(START + 17_000)
  })
})

describe('what the venue refuses or cannot say', () => {
  it('a signature of somebody else is no fault of the order: nothing is recorded', async () => {
    const floor = await openFloor({ signer: MASTER })
    await expect(submit(floor, orderOf(1, 3_100))).rejects.toMatchObject({
      action: 'fail-closed',
      message: expect.stringContaining('does not exist'),
    })
    expect(last(floor)).toMatchObject({ kind: 'intent' })
  })

  it('never tells the key, whatever fails', async () => {
    const floor = await openFloor({ signer: MASTER })
    const said: string[] = []
    for (const kind of ['502 html', 'reset', undefined] as const) {
      if (kind !== undefined) floor.trading.fail('exchange', kind)
      await submit(floor, orderOf(1, 3_100)).catch((error: Error) => {
        const all = (of: unknown): string =>
          of instanceof Error ? `${of.stack}${JSON.stringify(of)}${all(of.cause)}` : ''
        said.push(all(error))
      })
    }
    expect(said).toHaveLength(3)
    for (const text of said) expect(text).not.toContain(KEY.slice(4, 20))
  })

  const disagreements: [string, (trading: Trading) => void, RegExp][] = [
    [
      'a position that the ledger does not have',
      (t) => void t.positions.set('BTC', { size: 1, isolated: false, leverage: 1, rawUsd: 0 }),
      /BTC is 1 at the venue and 0 in the ledger/,
    ],
    ['a fill that belongs to no order', (t) => t.strange('ETH', 1), /no open order of the ledger/],
    [
      'a liquidation',
      (t) => t.strange('ETH', 1, { liquidation: { liquidatedUser: MASTER, markPx: '1', method: 'market' } }),
      /liquidated/,
    ],
    [
      'a fee in another coin',
      (t) => t.strange('ETH', 1, { cloid: `0x${'f'.repeat(32)}`, feeToken: 'HYPE' }),
      /fee is in HYPE/,
    ],
  ]
  it.each(disagreements)('%s fails closed, and nothing is recorded', async (_, happen, words) => {
    const floor = await openFloor()
    await submit(floor, { ...orderOf(1, 2_900, { timeInForce: 'Gtc' }), cloid: `0x${'f'.repeat(32)}` })
    floor.clock.now = START + 1_000_000
    happen(floor.trading)
    const before = floor.events().length
    await expect(floor.hour(1)).rejects.toMatchObject({ action: 'fail-closed', message: expect.stringMatching(words) })
    expect(floor.events()).toHaveLength(before)
  })

  it('an order that it has forgotten fails closed', async () => {
    const floor = await openFloor()
    const order = orderOf(1, 2_900, { timeInForce: 'Gtc' })
    await submit(floor, order)
    floor.trading.orders.clear()
    await expect(floor.hour(1)).rejects.toThrow(/does not know order/)
  })

  it('funding that is not settled yet is asked for again, and on another size fails closed', async () => {
    const floor = await openFloor()
    await submit(floor, orderOf(1, 3_100))
    await expect(floor.hour(1)).rejects.toMatchObject({ action: 'retry' })
    floor.trading.positions.get('ETH')!.size = 2
    floor.trading.settle('ETH', 1e-5)
    floor.trading.positions.get('ETH')!.size = 1
    await expect(floor.hour(1)).rejects.toThrow(/settled on 2, the ledger holds 1/)
  })

  it('answers of another form are refused', async () => {
    const floor = await openFloor()
    floor.trading.fail('clearinghouseState', '200 null')
    await expect(floor.hour(1)).rejects.toMatchObject({
      action: 'fail-closed',
      message: expect.stringMatching(/not what/),
    })
  })

  it('a short outage is ridden out', async () => {
    const floor = await openFloor()
    floor.trading.fail('userFillsByTime', '502 html', 2)
    await floor.hour(1)
    expect(last(floor)).toMatchObject({ kind: 'hour' })
  })
})

describe('what happens after the hour', () => {
  it('is told with the next one', async () => {
    const floor = await openFloor()
    const order = orderOf(2, 2_900, { timeInForce: 'Gtc' })
    await submit(floor, order)
    floor.clock.now = START + HOUR + 10_000
    floor.trading.fill(order.cloid, 2)
    await floor.hour(1)
    expect(floor.events().some(({ kind }) => kind === 'fill')).toBe(false)
    floor.clock.now = START + 2 * HOUR
    floor.trading.settle('ETH', 0)
    await floor.hour(2)
    expect(floor.events().find(({ kind }) => kind === 'fill')).toMatchObject({ time: START + HOUR + 10_000, size: 2 })
    expect(floor.journal.state.openOrders.size).toBe(0)
  })
})

describe('an order on the wire', () => {
  const contract = { coin: 'X', sizeDecimals: 2, marginTiers: [] }

  it.each([
    [1234.56, 1, '1234.5'],
    [1234.56, -1, '1234.6'],
    [123456, 1, '123456'],
    [123456.7, 1, '123456'],
    [123456.7, -1, '123457'],
    [0.0012345, 1, '0.0012'],
    [1000, -1, '1000'],
  ])('writes the limit %d of side %d as %s', (limit, side, text) => {
    expect(orderWire(orderOf(side, limit), 7, contract)).toMatchObject({ a: 7, b: side > 0, p: text, s: '1' })
  })

  it('never accepts a worse price than the limit, and never another size', () => {
    const price = fc.double({ min: 0.01, max: 1e6, noNaN: true })
    const lots = fc.integer({ min: 1, max: 1e7 })
    fc.assert(
      fc.property(
        price,
        lots,
        fc.constantFrom(1, -1),
        fc.integer({ min: 0, max: 5 }),
        (limit, count, side, decimals) => {
          const size = (side * count) / 10 ** decimals
          const tick = 10 ** -priceDecimals(limit, decimals)
          fc.pre(side < 0 || limit >= tick)
          const wire = orderWire(orderOf(size, limit), 0, { ...contract, sizeDecimals: decimals })
          expect(Number(wire.s)).toBe(Math.abs(size))
          expect(side * (limit - Number(wire.p))).toBeGreaterThanOrEqual(-1e-9 * limit)
          expect(Math.abs(Number(wire.p) - limit)).toBeLessThan(tick * 1.000001)
        },
      ),
    )
  })

  it('refuses an id that the client library would take for a number of the venue’s own', () => {
    const cloid = `0x${'7'.padStart(32, '0')}`
    expect(() => orderWire({ ...orderOf(1, 100), cloid }, 0, contract)).toThrow(/cloid/)
    expect(() => orderWire({ ...orderOf(1, 100), cloid: '0xa' }, 0, contract)).toThrow(/cloid/)
  })

  it('refuses a size off the lot', () => {
    expect(() => orderWire(orderOf(0.001, 100), 0, contract)).toThrow(/not a multiple of its lot/)
    expect(() => orderWire(orderOf(1.005, 100), 0, contract)).toThrow(/lot/)
    expect(() => orderWire(orderOf(1, Number.NaN), 0, contract)).toThrow(/a limit cannot be NaN/)
  })
})
