import type { Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'

/** A trade on the wire; `hash` and `users` are made up. */
export interface WireTrade {
  readonly coin: string
  /** The aggressor: B bought, A sold. */
  readonly side: 'A' | 'B'
  readonly px: string
  readonly sz: string
  readonly time: number
  readonly tid: number
}

/** The `trades` channel of the stand-in's socket. */
export interface TradeFeed {
  /** Sends trades to whoever is subscribed; they are of one coin. */
  publish(trades: readonly WireTrade[]): void
  /** Keeps trades for the next replay and sends nothing, as if the line were dead. */
  withhold(trades: readonly WireTrade[]): void
  /** Sends a text as it is to every connection. */
  sendRaw(text: string): void
  /** Cuts every connection. */
  drop(): void
  /** Does not confirm subscriptions from now on. */
  mute(muted: boolean): void
  /** Subscriptions that were confirmed so far, oldest first. */
  readonly subscriptions: string[]
  /** How many connections are open. */
  connections(): number
  close(): void
}

/** Trades that the first frame after a subscription repeats. */
const REPLAYED = 30

const Frame = z.object({
  method: z.enum(['subscribe', 'unsubscribe']),
  subscription: z.object({ type: z.literal('trades'), coin: z.string() }),
})
const Ping = z.object({ method: z.literal('ping') })

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Answers on `/ws` of `server` as the venue does (hyperliquid.md section 2), for the coins it knows. */
export function createTradeFeed(server: Server, coins: readonly string[]): TradeFeed {
  const sockets = new WebSocketServer({ server, path: '/ws' })
  const subscribers = new Map<string, Set<WebSocket>>(coins.map((coin) => [coin, new Set()]))
  const recent = new Map<string, WireTrade[]>(coins.map((coin) => [coin, []]))
  const subscriptions: string[] = []
  let muted = false

  const send = (socket: WebSocket, channel: string, data?: unknown) => {
    socket.send(JSON.stringify(data === undefined ? { channel } : { channel, data }))
  }
  const onWire = (trade: WireTrade) => ({ ...trade, hash: `0x${'0'.repeat(64)}`, users: ['0x1', '0x2'] })

  function handle(socket: WebSocket, text: string): void {
    const body = parsed(text)
    const request = Frame.safeParse(body)
    if (Ping.safeParse(body).success) send(socket, 'pong')
    else if (request.success) handleSubscription(socket, request.data)
    else send(socket, 'error', `Error parsing JSON into valid websocket request: ${text}`)
  }

  function handleSubscription(socket: WebSocket, { method, subscription }: z.infer<typeof Frame>): void {
    const known = subscribers.get(subscription.coin)
    if (known === undefined) {
      // An unknown coin: the connection is closed without a message.
      socket.terminate()
      return
    }
    if (muted) return
    if ((method === 'subscribe') === known.has(socket)) {
      send(socket, 'error', `Already ${method}d: ${JSON.stringify(subscription)}`)
      return
    }
    send(socket, 'subscriptionResponse', { method, subscription })
    if (method === 'unsubscribe') {
      known.delete(socket)
      return
    }
    known.add(socket)
    subscriptions.push(subscription.coin)
    const replay = recent.get(subscription.coin)?.slice(-REPLAYED) ?? []
    if (replay.length > 0) send(socket, 'trades', replay.map(onWire))
  }

  sockets.on('connection', (socket) => {
    socket.on('message', (data) => handle(socket, data.toString()))
    socket.on('close', () => {
      for (const known of subscribers.values()) known.delete(socket)
    })
  })

  const keep = (trades: readonly WireTrade[]) => {
    for (const trade of trades) recent.get(trade.coin)?.push(trade)
  }
  return {
    subscriptions,
    publish(trades) {
      keep(trades)
      for (const socket of subscribers.get(trades[0].coin) ?? []) send(socket, 'trades', trades.map(onWire))
    },
    withhold: keep,
    sendRaw(text) {
      for (const socket of sockets.clients) socket.send(text)
    },
    drop() {
      for (const socket of sockets.clients) socket.terminate()
    },
    mute(next) {
      muted = next
    },
    connections: () => sockets.clients.size,
    close() {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
    },
  }
}
