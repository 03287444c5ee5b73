import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { floorToHour } from '#data/bars.ts'
import { isOnTick, WORDS } from '#src/paper/rules.ts'
import { type FaultKind, refuse } from './faults.ts'
import { decimalText } from './info.ts'
import { SignedAction, signerOf } from './signed-action.ts'

const Order = z.object({
  a: z.int(),
  b: z.boolean(),
  p: z.string().regex(/^\d+(\.\d{1,8})?$/),
  s: z.string().regex(/^\d+(\.\d{1,8})?$/),
  r: z.boolean(),
  t: z.object({ limit: z.object({ tif: z.enum(['Alo', 'Ioc', 'Gtc']) }) }),
  c: z.string().optional(),
})
const Action = z.discriminatedUnion('type', [
  z.object({ type: z.literal('order'), orders: z.array(Order), grouping: z.literal('na') }),
  z.object({
    type: z.literal('cancelByCloid'),
    cancels: z.array(z.object({ asset: z.int(), cloid: z.string() })),
  }),
  z.object({ type: z.literal('updateLeverage'), asset: z.int(), isCross: z.boolean(), leverage: z.int() }),
])

/** An order as the desk keeps it; sizes signed. */
interface Kept {
  readonly coin: string
  readonly cloid: string
  readonly price: number
  readonly reduceOnly: boolean
  remaining: number
  status: string
}

interface Position {
  size: number
  isolated: boolean
  leverage: number
  rawUsd: number
}

/** @see startTrading */
export interface TradingOptions {
  readonly coins: readonly { readonly name: string; readonly sizeDecimals: number; readonly price: number }[]
  /** The account, and who may sign for it. */
  readonly account: string
  readonly signer: string
  readonly now: () => number
}

/** A stand-in for the part of Hyperliquid that takes money: `/exchange`, and what `/info` tells of an account. */
export interface Trading {
  readonly url: string
  /** Types of the actions that took effect, and of those that were refused, oldest first. */
  readonly actions: string[]
  readonly orders: Map<string, Kept>
  readonly positions: Map<string, Position>
  /** Sets the price at which the next orders meet, and how much of an Ioc finds a match (all, unless told). */
  price(coin: string, price: number, share?: number): void
  /** Fills what rests of an order. */
  fill(cloid: string, coins: number): void
  /** A fill that no order of ours brought about. */
  strange(coin: string, size: number, extra?: object): void
  settle(coin: string, rate: number): void
  /** Refuses the next requests of a type (`exchange`, or an info type) as the real API shows failures. */
  fail(type: string, kind: FaultKind, times?: number): void
  /** Takes effect on the action and then loses the answer. */
  loseAnswer(): void
  close(): Promise<void>
}

const TAKER = 0.00045
const MAKER = 0.00015

export async function startTrading({ coins, account, signer, now }: TradingOptions): Promise<Trading> {
  const prices = new Map(coins.map(({ name, price }) => [name, { price, share: 1 }]))
  const orders = new Map<string, Kept>()
  const positions = new Map<string, Position>()
  const fills: Record<string, unknown>[] = []
  const funding: Record<string, unknown>[] = []
  const actions: string[] = []
  const nonces = new Set<number>()
  const failing: { type: string; kind: FaultKind; left: number }[] = []
  let losing = false

  const positionOf = (coin: string): Position => {
    const position = positions.get(coin) ?? { size: 0, isolated: false, leverage: 20, rawUsd: 0 }
    positions.set(coin, position)
    return position
  }

  const execute = (coin: string, size: number, price: number, crossed: boolean, extra: object) => {
    const position = positionOf(coin)
    const fee = Number((Math.abs(size) * price * (crossed ? TAKER : MAKER)).toFixed(6))
    const opens = position.size === 0 || Math.sign(position.size) === Math.sign(size)
    position.size = Number((position.size + size).toFixed(8))
    if (position.isolated) {
      // What opens brings its margin along; what is flat gives all of it back.
      const margin = opens ? (Math.abs(size) * price) / position.leverage : 0
      position.rawUsd = position.size === 0 ? 0 : position.rawUsd - size * price - fee + margin
    }
    fills.push({
      coin,
      px: decimalText(price),
      sz: decimalText(Math.abs(size)),
      side: size > 0 ? 'B' : 'A',
      time: now(),
      startPosition: decimalText(position.size - size),
      dir: 'Buy',
      closedPnl: '0.0',
      hash: `0x${'0'.repeat(64)}`,
      oid: fills.length,
      crossed,
      fee: decimalText(fee),
      tid: fills.length,
      feeToken: 'USDC',
      twapId: null,
      ...extra,
    })
  }

  const place = (order: z.infer<typeof Order>): object => {
    const contract = coins[order.a]
    const error = (words: string) => ({ error: `${words} asset=${order.a}` })
    if (contract === undefined) return error('Order has invalid size.')
    const { name: coin, sizeDecimals } = contract
    const limit = Number(order.p)
    const { price, share } = prices.get(coin)!
    let size = Number(order.s) * (order.b ? 1 : -1)
    if (!isOnTick(limit, sizeDecimals)) return error(WORDS.tick)
    if (Number(Math.abs(size).toFixed(sizeDecimals)) !== Math.abs(size)) return error(WORDS.size)
    if (!order.r && Math.abs(size) * limit < 10) return error(WORDS.minimum)
    const held = positionOf(coin).size
    if (order.r) {
      if (held === 0 || Math.sign(held) === Math.sign(size)) return error(WORDS.reduceOnly)
      size = Math.sign(size) * Math.min(Math.abs(size), Math.abs(held))
    }
    const crosses = order.b ? limit >= price : limit <= price
    const { tif } = order.t.limit
    if (tif === 'Ioc' && !crosses) return error(WORDS.noMatch)
    if (tif === 'Alo' && crosses)
      return error(`Post only order would have immediately matched, bbo was ${price}@${price}.`)
    const kept: Kept = { coin, cloid: order.c!, price: limit, reduceOnly: order.r, remaining: size, status: 'open' }
    orders.set(order.c!, kept)
    const oid = orders.size
    if (!crosses) return { resting: { oid, cloid: order.c } }
    const filled = tif === 'Ioc' ? Number((size * share).toFixed(sizeDecimals)) : size
    execute(coin, filled, price, true, { cloid: order.c })
    kept.remaining = Number((size - filled).toFixed(8))
    kept.status = kept.remaining === 0 ? 'filled' : 'canceled'
    return { filled: { totalSz: decimalText(Math.abs(filled)), avgPx: decimalText(price), oid } }
  }

  const act = (action: z.infer<typeof Action>): unknown => {
    const ok = (type: string, data?: object) => ({ status: 'ok', response: { type, ...(data && { data }) } })
    switch (action.type) {
      case 'order':
        return ok('order', { statuses: action.orders.map(place) })
      case 'cancelByCloid':
        return ok('cancel', {
          statuses: action.cancels.map(({ cloid, asset }) => {
            const order = orders.get(cloid)
            if (order?.status !== 'open') {
              return { error: `Order was never placed, already canceled, or filled. asset=${asset}` }
            }
            order.status = 'canceled'
            return 'success'
          }),
        })
      case 'updateLeverage': {
        const position = positionOf(coins[action.asset].name)
        if (position.size !== 0 && position.isolated === action.isCross)
          return { status: 'err', response: WORDS.switchMode }
        position.isolated = !action.isCross
        position.leverage = action.leverage
        return ok('default')
      }
    }
  }

  /** Signature, nonce and expiry stand before the action; a refusal there takes no effect. */
  const exchange = (body: unknown): unknown => {
    const envelope = SignedAction.safeParse(body)
    const parsed = envelope.success ? Action.safeParse(envelope.data.action) : undefined
    if (!envelope.success || !parsed?.success) return undefined
    const { nonce, expiresAfter } = envelope.data
    const refused = (response: string) => ({ status: 'err', response })
    const by = signerOf(envelope.data, 'a')
    if (by !== signer.toLowerCase()) return refused(`User or API Wallet ${by} does not exist.`)
    if (nonces.has(nonce)) return refused(`Invalid nonce: duplicate nonce ${nonce}`)
    nonces.add(nonce)
    if (expiresAfter != null && now() > expiresAfter) return refused('Action expired')
    actions.push(parsed.data.type)
    return act(parsed.data)
  }

  const within = (rows: Record<string, unknown>[], { startTime, endTime }: { startTime: number; endTime?: number }) =>
    rows.filter(({ time }) => (time as number) >= startTime && (time as number) <= Math.min(endTime ?? now(), now()))

  const info = (request: Record<string, unknown>): unknown => {
    // Whoever is not the account reads as empty (trap 11).
    const ours = String(request.user).toLowerCase() === account.toLowerCase()
    const window = request as { startTime: number; endTime?: number }
    switch (request.type) {
      case 'meta':
        return {
          universe: coins.map(({ name, sizeDecimals }) => ({ name, szDecimals: sizeDecimals, maxLeverage: 20 })),
          marginTables: [],
          collateralToken: 0,
        }
      case 'userFillsByTime':
        return ours ? within(fills, window).slice(0, 2000) : []
      case 'userFunding':
        return ours ? within(funding, window) : []
      case 'orderStatus': {
        const order = ours ? orders.get(String(request.oid)) : undefined
        if (order === undefined) return { status: 'unknownOid' }
        return { status: 'order', order: { order: {}, status: order.status, statusTimestamp: now() } }
      }
      case 'clearinghouseState':
        return {
          assetPositions: [...positions]
            .filter(([, { size }]) => ours && size !== 0)
            .map(([coin, { size, isolated, leverage, rawUsd }]) => ({
              type: 'oneWay',
              position: {
                coin,
                szi: decimalText(size),
                leverage: isolated
                  ? { type: 'isolated', value: leverage, rawUsd: decimalText(Number(rawUsd.toFixed(6))) }
                  : { type: 'cross', value: leverage },
              },
            })),
        }
      default:
        return undefined
    }
  }

  const answer = (response: ServerResponse, body: unknown) => {
    response.writeHead(body === undefined ? 422 : 200, {
      'content-type': body === undefined ? 'text/plain' : 'application/json',
    })
    response.end(body === undefined ? 'Failed to deserialize the JSON body into the target type' : JSON.stringify(body))
  }

  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>
    const trading = incoming.url === '/exchange'
    const type = trading ? 'exchange' : String(body.type)
    const fault = failing.find((one) => one.type === type && one.left-- > 0)
    if (fault !== undefined && refuse(fault.kind, response)) return
    const said = trading ? exchange(body) : info(body)
    if (trading && losing) {
      losing = false
      response.destroy()
    } else answer(response, said)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    actions,
    orders,
    positions,
    price: (coin, price, share = 1) => void prices.set(coin, { price, share }),
    fill(cloid, size) {
      const order = orders.get(cloid)!
      order.remaining = Number((order.remaining - size).toFixed(8))
      if (order.remaining === 0) order.status = 'filled'
      execute(order.coin, size, order.price, false, { cloid })
    },
    strange: (coin, size, extra = {}) => execute(coin, size, prices.get(coin)!.price, true, extra),
    settle(coin, rate) {
      const position = positionOf(coin)
      const usdc = Number((-position.size * prices.get(coin)!.price * rate).toFixed(6))
      if (position.isolated) position.rawUsd += usdc
      const delta = {
        type: 'funding',
        coin,
        usdc: decimalText(usdc),
        szi: decimalText(position.size),
        fundingRate: decimalText(rate),
        nSamples: null,
      }
      // Stamped a little late, and now and then twice.
      const row = { time: floorToHour(now()) + 39, hash: `0x${'0'.repeat(64)}`, delta }
      funding.push(row, row)
    },
    fail: (type, kind, times = 1) => void failing.push({ type, kind, left: times }),
    loseAnswer() {
      losing = true
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
