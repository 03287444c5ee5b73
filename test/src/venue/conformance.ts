import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bars, barsKnownAt, HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import type { FillEvent } from '#src/ledger/events.ts'
import { LIQUIDATION } from '#src/ledger/state.ts'
import type { ExchangeOptions } from '#src/options/paper.ts'
import { roundPrice } from '#src/paper/rules.ts'
import type { OrderRequest, TimeInForce } from '#src/venue/order.ts'
import type { Listing, Venue } from '#src/venue/venue.ts'
import {
  barsOf,
  cloid,
  type Desk,
  eventsOf,
  FIRST,
  intend,
  listingOf,
  openDesk,
  pass,
  type Row,
  reopen,
} from '../paper/desk.ts'

/** Events and words that the orders of {@link ordersAt} bring about. */
const LIVELY = [
  LIQUIDATION,
  'taker',
  'maker',
  'leverage',
  'transfer',
  'open',
  'cancelled',
  'cancelled Order could not immediately match against any resting orders.',
  'cancelled reduceOnlyCanceled',
  'rejected Post only order would have immediately matched,',
  'rejected Reduce only order would increase position.',
  'rejected Insufficient margin to place order.',
  'rejected No liquidity available for market order.',
]

const COINS = ['BTC', 'ETH', 'DOGE']
const HOURS = 30

/** Three coins that jump about, with holes, hours without trades and unknown funding. */
function worldOf(seed: number): Listing[] {
  return COINS.map((coin, i) => {
    const random = createRandom(seed).fork(coin)
    let price = 100
    const rows = Array.from({ length: HOURS }, (): Row | null => {
      const open = price * Math.exp(0.01 * random.normal())
      price = open * Math.exp(0.04 * random.normal())
      const [high, low] = [Math.max(open, price) * 1.02, Math.min(open, price) * 0.98]
      const volume = random.uniform() < 0.05 ? 0 : 200 * random.uniform()
      const funding = random.uniform() < 0.1 ? Number.NaN : 1e-4 * random.normal()
      return random.uniform() < 0.1 ? null : [open, high, low, price, volume, funding]
    })
    const tiers = [
      { lowerBound: 0, maxLeverage: 20 },
      { lowerBound: 20_000, maxLeverage: 10 },
    ]
    return listingOf(barsOf(coin, rows, 0.01), { sizeDecimals: 2 + i, marginTiers: tiers, strictlyIsolated: i === 2 })
  })
}

function lastClose({ openTime, close }: Bars, time: number): number {
  let row = openTime.length - 1
  while (openTime[row] > time - HOUR) row--
  return close[row]
}

/** Up to three orders of any kind at an hour, good ones and bad ones; they depend on the seed and on what is known. */
function ordersAt(desk: Desk, seed: number, hour: number): OrderRequest[] {
  const random = createRandom(seed).fork(`orders/${hour}`)
  return Array.from({ length: random.integer(4) }, (_, i) => {
    const coin = COINS[random.integer(COINS.length)]
    const { bars, contract } = desk.listings.get(coin)!
    const mark = lastClose(bars, FIRST + hour * HOUR)
    const side = random.uniform() < 0.5 ? 1 : -1
    const lots = 10 ** contract.sizeDecimals
    const size = (side * Math.round(200 * random.uniform() ** 3 * lots)) / lots
    const timeInForce = (['Ioc', 'Ioc', 'Gtc', 'Alo'] satisfies TimeInForce[])[random.integer(4)]
    const distance = timeInForce === 'Ioc' ? 0.05 : 0.04 * random.normal()
    const limitPrice = roundPrice(mark * (1 + side * distance), contract.sizeDecimals, side > 0 ? 'buy' : 'sell')
    const mode = random.uniform() < 0.5 ? 'cross' : 'isolated'
    const margin = random.uniform() < 0.7 ? { margin: { mode, leverage: 1 + random.integer(20) } as const } : {}
    const reduceOnly = random.uniform() < 0.3
    return { cloid: cloid(1000 * hour + i), coin, size, limitPrice, timeInForce, reduceOnly, ...margin }
  })
}

/** What comes between: after each step that is durable, and before an hour passes. */
interface Between {
  readonly after?: (desk: Desk) => Desk
  readonly beforeHour?: (desk: Desk, time: number) => Promise<Desk>
  /** Stops after the orders of the last hour were sent. */
  readonly sendLast?: boolean
}

/** Lives through the world as the engine does: orders of the hour, then the hour, each step durable before the next. */
async function live(start: Desk, seed: number, hours: number, between: Between = {}): Promise<Desk> {
  const { after = (desk) => desk, beforeHour = async (desk) => desk, sendLast = false } = between
  let desk = start
  for (let hour = 0; hour < hours + (sendLast ? 1 : 0); hour++) {
    const time = FIRST + hour * HOUR
    for (const request of ordersAt(desk, seed, hour))
      intend(desk, request, time, lastClose(desk.listings.get(request.coin)!.bars, time))
    desk = after(desk)
    const intended = [...desk.journal.state.openOrders.values()].filter(({ status }) => status === 'intended')
    for (const { intent } of intended) {
      await desk.venue.submit(desk.journal, intent.order, time, desk.listings.get(intent.coin)!)
      desk.journal.commit()
      desk = after(desk)
    }
    if (hour % 7 === 6) {
      const [oldest] = desk.journal.state.openOrders.keys()
      if (oldest !== undefined) await desk.venue.cancel(desk.journal, oldest, time)
      desk.journal.commit()
    }
    if (hour === hours) return desk
    desk = await beforeHour(desk, time + HOUR)
    await pass(desk, time + HOUR)
    desk = after(desk)
  }
  return desk
}

/** A listing that nobody knows anything of after `time`; or whose future is another. */
function withFuture(listing: Listing, time: number, change: 'none' | 'other'): Listing {
  const { bars } = listing
  if (change === 'none') return { ...listing, bars: barsKnownAt(bars, time) }
  const other: Bars = Object.fromEntries(
    Object.entries(bars).map(([key, column]) => [key, typeof column === 'string' ? column : column.slice()]),
  ) as unknown as Bars
  for (let i = 0; i < other.openTime.length; i++) {
    if (other.openTime[i] < time) continue
    for (const column of [other.open, other.high, other.low, other.close]) column[i] *= 3
    other.volume[i] *= 7
    other.funding[i] = -0.01
  }
  return { ...listing, bars: other }
}

/**
 * What every venue keeps: an order is sent once, nothing happens without an intent, what is filled adds up, limits hold,
 * the account adds up to the micro-dollar, a restart changes nothing, and the future is not seen.
 *
 * @param create a fresh venue; it must not need the one before it.
 */
export function describeVenue(name: string, create: (options: ExchangeOptions) => Venue): void {
  const seeds = fc.integer({ min: 1, max: 1e6 })
  const deskOf = (listings: readonly Listing[]) => {
    const desk = openDesk(listings, { latencyMs: 60_000, latencySpread: 1 })
    return { ...desk, venue: create(desk.options) }
  }
  const restart = (desk: Desk): Desk => ({ ...reopen(desk), venue: create(desk.options) })
  const check = (numRuns: number, property: (seed: number) => Promise<void>) =>
    fc.assert(fc.asyncProperty(seeds, property), { numRuns, seed: 1 })

  describe(`${name} as a venue`, () => {
    it('is tried in a market lively enough to prove something', async () => {
      const seen = new Set<string>()
      for (let seed = 1; seed <= 40; seed++) {
        for (const event of eventsOf(await live(deskOf(worldOf(seed)), seed, HOURS))) {
          seen.add(event.kind)
          if (event.kind === 'fill') seen.add(event.cloid === LIQUIDATION ? LIQUIDATION : event.liquidity)
          if (event.kind === 'order') seen.add(`${event.status} ${event.message?.replace(/bbo.*/, '') ?? ''}`.trim())
        }
      }
      expect([...seen]).toEqual(expect.arrayContaining(LIVELY))
    })

    it('fills what was intended, within its limit, and everything adds up', () => {
      return check(40, async (seed) => {
        const desk = await live(deskOf(worldOf(seed)), seed, HOURS)
        const events = eventsOf(desk)
        const left = new Map<string, { order: OrderRequest; remaining: number; ended: boolean }>()
        let liquidating: readonly string[] = []
        for (const event of events) {
          if (event.kind === 'intent') {
            left.set(event.order.cloid, { order: event.order, remaining: event.order.size, ended: false })
          }
          if (event.kind === 'liquidation') liquidating = event.coins
          if (event.kind === 'fill' && event.cloid === LIQUIDATION) expect(liquidating).toContain(event.coin)
          if (event.kind === 'fill' && event.cloid !== LIQUIDATION) follow(left, event)
          if (event.kind !== 'order') continue
          const order = left.get(event.cloid)!
          expect(order.ended).toBe(false)
          expect(event.remaining).toBeCloseTo(order.remaining, 8)
          order.ended = event.status !== 'open'
        }
        for (const [id, { remaining, ended }] of left) {
          const open = desk.journal.state.openOrders.get(id)
          expect(open?.remaining ?? 0).toBeCloseTo(ended ? 0 : remaining, 8)
        }
      })
    })

    it('tells funding and a mark of every open position, every hour', () => {
      return check(20, async (seed) => {
        const events = eventsOf(await live(deskOf(worldOf(seed)), seed, HOURS))
        const held = new Map<string, number>()
        for (const event of events) {
          if (event.kind === 'fill')
            held.set(event.coin, Math.round(1e8 * ((held.get(event.coin) ?? 0) + event.size)) / 1e8)
          if (event.kind === 'funding') expect(event.size).toBe(held.get(event.coin))
          if (event.kind !== 'hour' || event.time === FIRST) continue
          const open = [...held].filter(([, size]) => size !== 0).map(([coin]) => coin)
          for (const kind of ['funding', 'mark'] as const) {
            const told = events.flatMap((other) =>
              other.kind === kind && other.time === event.time ? [other.coin] : [],
            )
            expect(told.toSorted()).toEqual(open.toSorted())
          }
        }
      })
    })

    it('takes the same order once', () => {
      return check(15, async (seed) => {
        const desk = deskOf(worldOf(seed))
        const after = (now: Desk) => {
          for (const { intent, status } of now.journal.state.openOrders.values()) {
            if (status === 'intended') continue
            const before = now.journal.state.events
            const { time } = now.journal.state
            void now.venue.submit(now.journal, intent.order, time, now.listings.get(intent.coin)!)
            expect(now.journal.state.events).toBe(before)
          }
          return now
        }
        await live(desk, seed, HOURS, { after })
        const [ended] = eventsOf(desk).flatMap((event) => (event.kind === 'intent' ? [event.order] : []))
        const before = desk.journal.state.events
        if (ended !== undefined && !desk.journal.state.openOrders.has(ended.cloid)) {
          await desk.venue.submit(desk.journal, ended, desk.journal.state.time, desk.listings.get(ended.coin)!)
        }
        expect(desk.journal.state.events).toBe(before)
      })
    })

    it('refuses to send what was not intended so', async () => {
      const desk = deskOf(worldOf(1))
      const { cloid: id, ...rest } = { cloid: cloid(1), coin: 'BTC', size: 1, limitPrice: 105, reduceOnly: false }
      const request: OrderRequest = { cloid: id, ...rest, timeInForce: 'Ioc' }
      const listing = desk.listings.get('BTC')!
      const before = desk.journal.state.events
      await desk.venue.submit(desk.journal, request, FIRST, listing)
      expect(desk.journal.state.events).toBe(before)
      intend(desk, request, FIRST)
      await expect(desk.venue.submit(desk.journal, { ...request, size: 2 }, FIRST, listing)).rejects.toThrow(/intent/)
    })

    it('goes on after a restart at any point as if there had been none', () => {
      return check(25, async (seed) => {
        const whole = await live(deskOf(worldOf(seed)), seed, HOURS)
        const random = createRandom(seed).fork('restarts')
        const after = (desk: Desk) => (random.uniform() < 0.4 ? restart(desk) : desk)
        const torn = await live(deskOf(worldOf(seed)), seed, HOURS, { after })
        expect(eventsOf(torn)).toEqual(eventsOf(whole))
        expect(restart(whole).journal.state).toEqual(whole.journal.state)
      })
    })

    it('goes through an hour again that a crash cut off', () => {
      return check(10, async (seed) => {
        const whole = await live(deskOf(worldOf(seed)), seed, HOURS)
        const beforeHour = async (desk: Desk, time: number) => {
          await desk.venue.advance(desk.journal, time, desk.listings)
          // Nothing of it was committed: it is lost with the process.
          return restart(desk)
        }
        const torn = await live(deskOf(worldOf(seed)), seed, HOURS, { beforeHour })
        expect(eventsOf(torn)).toEqual(eventsOf(whole))
      })
    })

    it('does not see the future', () => {
      return check(15, async (seed) => {
        const world = worldOf(seed)
        const hours = 1 + createRandom(seed).integer(HOURS - 1)
        const time = FIRST + hours * HOUR
        const told = eventsOf(await live(deskOf(world), seed, hours, { sendLast: true }))
        for (const change of ['none', 'other'] as const) {
          const other = world.map((listing) => withFuture(listing, time, change))
          expect(eventsOf(await live(deskOf(other), seed, hours, { sendLast: true }))).toEqual(told)
        }
      })
    })
  })
}

function follow(left: Map<string, { order: OrderRequest; remaining: number; ended: boolean }>, fill: FillEvent): void {
  const found = left.get(fill.cloid)!
  expect(found.ended).toBe(false)
  expect(Math.sign(fill.size)).toBe(Math.sign(found.remaining))
  expect(Math.abs(fill.size)).toBeLessThanOrEqual(Math.abs(found.remaining) + 1e-9)
  found.remaining -= fill.size
  const { limitPrice, size } = found.order
  expect(Math.sign(size) * (limitPrice - fill.price)).toBeGreaterThanOrEqual(-1e-9 * limitPrice)
}
