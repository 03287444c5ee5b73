import type { IntentEvent } from '../ledger/events.ts'
import type { Journal } from '../ledger/journal.ts'
import { type LedgerOrder, LIQUIDATION } from '../ledger/state.ts'
import type { ExchangeOptions } from '../options/paper.ts'
import { heldOf, marginLack } from './collateral.ts'
import { averageDistance } from './depth.ts'
import { feeRatesAt } from './fees.ts'
import { recordFill } from './fill.ts'
import { checkLiquidations } from './liquidation.ts'
import { availableMargin } from './margin.ts'
import type { HourMarkets, Market } from './market.ts'
import { bestPrices, broughtBy, filledAt, type MakerChance, makerChance, type Side, takeFromBook } from './matching.ts'
import { LEGS, pathTimes, priceOn } from './path.ts'
import { ENDED, postOnlyWords, roundSizeDown, WORDS } from './rules.ts'

/** All that the steps of one hour share. */
export interface Hour {
  readonly journal: Journal
  readonly markets: HourMarkets
  readonly options: ExchangeOptions
  /** When an order reaches the venue, UTC milliseconds. */
  readonly arrivalOf: (order: IntentEvent) => number
}

/** Something that is going to happen on a leg: an order arrives, or what trades through it fills it. */
interface Happening {
  readonly time: number
  readonly cloid: string
  readonly chance?: MakerChance
}

/**
 * Lives through an hour leg by leg, all coins in step: what arrives and what is traded through, in the order of time, and
 * at each point of the path the venue looks whether it must liquidate. Coins without a bar have no mark there, and are
 * never the cause.
 */
export function liveThroughPath(hour: Hour): void {
  const times = pathTimes(hour.markets.from)
  liquidate(hour, 0, times[0])
  for (let leg = 0; leg < LEGS; leg++) {
    liveThroughLeg(hour, leg, times[leg], times[leg + 1])
    liquidate(hour, leg + 1, times[leg + 1])
  }
}

function liveThroughLeg(hour: Hour, leg: number, from: number, to: number): void {
  const { journal } = hour
  const queue: Happening[] = []
  for (const [cloid, { intent, status }] of journal.state.openOrders) {
    if (status !== 'open') continue
    const arrival = hour.arrivalOf(intent)
    // An immediate order never rests: one that should have come while nobody looked comes now.
    const late = intent.order.timeInForce === 'Ioc' && arrival < from
    if (late || (arrival >= from && arrival < to)) push(queue, { time: Math.max(arrival, from), cloid })
    else if (arrival < from) awaitTrades(hour, queue, cloid, leg, from)
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const order = journal.state.openOrders.get(next.cloid)
    if (order === undefined) continue
    if (next.chance !== undefined) make(hour, queue, order, leg, next.time, next.chance)
    else if (arrive(hour, order, next.time)) awaitTrades(hour, queue, next.cloid, leg, next.time)
  }
}

/** Keeps the queue in the order of time, and of coming where times are equal. */
function push(queue: Happening[], happening: Happening): void {
  let place = queue.length
  while (place > 0 && queue[place - 1].time > happening.time) place--
  queue.splice(place, 0, happening)
}

function sideOf(size: number): Side {
  return size > 0 ? 'buy' : 'sell'
}

/** Coins that an order may still trade, without sign: a reduce-only one is shrunk to the position (section 8.3). */
function coinsWanted({ journal }: Hour, { intent, remaining }: LedgerOrder): number {
  const left = Math.abs(remaining)
  if (!intent.order.reduceOnly) return left
  const { size } = heldOf(journal.state.account, intent.coin)
  return size === 0 || Math.sign(size) === Math.sign(remaining) ? 0 : Math.min(left, Math.abs(size))
}

function end(
  { journal }: Hour,
  { intent, remaining }: LedgerOrder,
  time: number,
  status: 'rejected' | 'cancelled',
  message: string,
): void {
  const { coin, order } = intent
  journal.record({ kind: 'order', time, coin, cloid: order.cloid, status, remaining, message })
}

/** An order reaches the venue. @returns true where it rests. */
function arrive(hour: Hour, order: LedgerOrder, time: number): boolean {
  const { coin, order: request } = order.intent
  const { limitPrice, timeInForce } = request
  const reject = (words: string) => {
    end(hour, order, time, 'rejected', words)
    return false
  }
  const wanted = coinsWanted(hour, order)
  if (wanted === 0) return reject(WORDS.reduceOnly)
  const market = hour.markets.of(coin)
  const depth = market?.depth()
  if (market === undefined || market.volume === 0 || depth === undefined) {
    return timeInForce === 'Ioc' ? reject(WORDS.noLiquidity) : true
  }
  const mid = priceOn(market.path, time)
  const { bid, ask } = bestPrices(mid, depth, market.contract.sizeDecimals)
  const side = sideOf(order.remaining)
  const crosses = side === 'buy' ? limitPrice >= ask : limitPrice <= bid
  if (crosses && timeInForce === 'Alo') return reject(postOnlyWords(bid, ask))
  const lack = marginLackOf(hour, market, Math.sign(order.remaining) * wanted, mid)
  if (lack !== undefined) return reject(lack)
  if (!crosses) return timeInForce === 'Ioc' ? reject(WORDS.noMatch) : true
  const { sizeDecimals } = market.contract
  const volume = market.volume - market.taken
  const { coins, price } = takeFromBook(mid, depth, side, wanted, limitPrice, volume, sizeDecimals)
  if (coins === 0) return timeInForce === 'Ioc' ? reject(WORDS.noMatch) : true
  market.taken += coins
  fill(hour, order, Math.sign(order.remaining) * coins, price, 'taker', time)
  if (!hour.journal.state.openOrders.has(request.cloid)) return false
  if (timeInForce !== 'Ioc') return true
  const shrunk = coinsWanted(hour, order) === 0
  end(hour, order, time, 'cancelled', shrunk ? ENDED.reduceOnly : WORDS.noMatch)
  return false
}

function marginLackOf(
  { journal, markets }: Hour,
  { contract }: Market,
  size: number,
  mark: number,
): string | undefined {
  const { account } = journal.state
  return marginLack(account, contract, availableMargin(account, markets.listings), size, mark)
}

/** Puts in the queue when the leg trades through a resting order, if it does. */
function awaitTrades(hour: Hour, queue: Happening[], cloid: string, leg: number, after: number): void {
  const order = hour.journal.state.openOrders.get(cloid)!
  const { coin, order: request } = order.intent
  const market = hour.markets.of(coin)
  if (market === undefined) return
  const { path, volume } = market
  const side = sideOf(order.remaining)
  const { participation } = hour.options
  const chance = makerChance(path, leg, request.limitPrice, side, after, volume, participation)
  if (chance === undefined) return
  push(queue, { time: filledAt(chance, market.made[leg] + coinsWanted(hour, order)), cloid, chance })
}

/** Fills a resting order at its price with what was traded through it and is not another order's share. */
function make(
  hour: Hour,
  queue: Happening[],
  order: LedgerOrder,
  leg: number,
  time: number,
  chance: MakerChance,
): void {
  const { coin, order: request } = order.intent
  const market = hour.markets.of(coin)!
  const wanted = coinsWanted(hour, order)
  const share = broughtBy(chance, time) - market.made[leg]
  const last = Math.ceil(chance.to)
  // Another order was served first, or its end set more free: what is left comes until the price is back.
  if (share < wanted && time < last) {
    const later = filledAt(chance, market.made[leg] + wanted)
    push(queue, { time: later > time ? later : last, cloid: request.cloid, chance })
    return
  }
  const coins = share >= wanted ? wanted : roundSizeDown(Math.max(0, share), market.contract.sizeDecimals)
  if (coins === 0) return
  const size = Math.sign(order.remaining) * coins
  if (marginLackOf(hour, market, size, request.limitPrice) !== undefined) {
    end(hour, order, time, 'cancelled', ENDED.margin)
    return
  }
  market.made[leg] += coins
  fill(hour, order, size, request.limitPrice, 'maker', time)
}

function fill(
  hour: Hour,
  { intent }: LedgerOrder,
  size: number,
  price: number,
  liquidity: 'taker' | 'maker',
  time: number,
): void {
  const { journal, markets, options } = hour
  const { coin, referencePrice, order } = intent
  const { contract } = markets.of(coin)!
  const rates = feeRatesAt(journal.state.history, time, options)
  recordFill(journal, contract, { cloid: order.cloid, time, size, price, liquidity, referencePrice }, rates)
  endReduceOnly(hour, coin, time)
}

/** Resting reduce-only orders end with the position they were to reduce; those on their way hear it when they arrive. */
function endReduceOnly(hour: Hour, coin: string, time: number): void {
  for (const order of [...hour.journal.state.openOrders.values()]) {
    const { intent, status } = order
    const { reduceOnly, timeInForce } = intent.order
    if (intent.coin !== coin || !reduceOnly || status !== 'open' || timeInForce === 'Ioc') continue
    if (hour.arrivalOf(intent) > time || coinsWanted(hour, order) > 0) continue
    end(hour, order, time, 'cancelled', ENDED.reduceOnly)
  }
}

/** Lets the venue look at the account at one point of the path, and take over what lacks maintenance margin. */
function liquidate(hour: Hour, point: number, time: number): void {
  const { journal, markets } = hour
  const marks = new Map<string, number>()
  for (const [coin, { size }] of journal.state.account.holdings) {
    const market = size === 0 ? undefined : markets.of(coin)
    if (market !== undefined) marks.set(coin, market.path.price[point])
  }
  if (marks.size === 0) return
  checkLiquidations(journal, marks, time, markets.listings, (coin, size, at, worst) =>
    closeAt(hour, coin, size, at, marks.get(coin)!, worst),
  )
}

/**
 * A liquidation's order to the book, at the mark it was found wanting at: it walks as deep as it must, to where nothing
 * of the margin is left; where the depth is not known it pays what a market order may pay at most. Opening orders of the
 * coin are cancelled.
 */
function closeAt(hour: Hour, coin: string, size: number, time: number, mark: number, worstPrice: number): void {
  const { journal, markets, options } = hour
  const { contract, depth } = markets.of(coin)!
  const known = depth()
  const distance = known === undefined ? options.marketBand : averageDistance(known, Math.abs(size))
  const walked = mark * (1 + Math.sign(size) * distance)
  const price = size > 0 ? Math.min(walked, worstPrice) : Math.max(walked, worstPrice)
  const rates = feeRatesAt(journal.state.history, time, options)
  const liquidation = { cloid: LIQUIDATION, time, size, price, liquidity: 'taker', referencePrice: mark } as const
  recordFill(journal, contract, liquidation, rates)
  for (const order of [...journal.state.openOrders.values()]) {
    const { intent, status } = order
    if (intent.coin !== coin || intent.order.reduceOnly || status !== 'open') continue
    end(hour, order, time, 'cancelled', ENDED.liquidated)
  }
  endReduceOnly(hour, coin, time)
}
