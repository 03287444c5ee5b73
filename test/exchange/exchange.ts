import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFaults, type FaultSwitches, refuse, spoil } from './faults.ts'
import { createInfo, type InfoRequest, readRequest } from './info.ts'
import type { ExchangeSeries } from './series.ts'
import { createTradeFeed, type TradeFeed } from './trades.ts'

/** @see startExchange */
export interface ExchangeOptions {
  readonly series: readonly ExchangeSeries[]
  /** The exchange's clock: what has not happened yet is not served. */
  readonly now: () => number
  /** Weight per rolling minute. */
  readonly weightLimit?: number
  /** Decides the milliseconds by which settlements are stamped late. */
  readonly seed?: number
}

/** A running stand-in for Hyperliquid's info endpoint and the `trades` channel of its socket. */
export interface Exchange {
  /** Base address: give it to the provider as `apiUrl`. */
  readonly url: string
  /** Address of the socket. */
  readonly socketUrl: string
  readonly trades: TradeFeed
  /** Every request that was understood, oldest first, also those that were refused. */
  readonly requests: InfoRequest[]
  readonly faults: FaultSwitches
  /** How many requests were refused for their weight (not those of the fault switch). */
  refused(): number
  /** Leaves a candle out, as the venue does with an hour without trades; `reveal` publishes it late. */
  hide(coin: string, openTime: number): void
  reveal(coin: string, openTime: number): void
  close(): Promise<void>
}

const MINUTE = 60_000

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** Starts the exchange on a free port of 127.0.0.1. */
export async function startExchange(options: ExchangeOptions): Promise<Exchange> {
  const { series, now, weightLimit = 1200, seed = 1 } = options
  const hidden = new Set<string>()
  const info = createInfo({ series, now, hidden, seed })
  const faults = createFaults()
  const requests: InfoRequest[] = []
  let spent: { at: number; weight: number }[] = []
  let refusals = 0

  const text = (response: ServerResponse, status: number, body: string) => {
    response.writeHead(status, { 'content-type': 'text/plain' })
    response.end(body)
  }
  const json = (response: ServerResponse, status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (incoming.url !== '/info') return text(response, 404, '')
    if (incoming.method !== 'POST') return text(response, 405, '')
    if (!incoming.headers['content-type']?.startsWith('application/json')) {
      return text(response, 415, 'Expected request with `Content-Type: application/json`')
    }
    let body: unknown
    try {
      body = JSON.parse(await bodyOf(incoming))
    } catch {
      return text(response, 400, 'Failed to parse the request body as JSON')
    }
    const request = readRequest(body)
    if (request === undefined) {
      return text(response, 422, 'Failed to deserialize the JSON body into the target type')
    }
    requests.push(request)
    const fault = faults.take(request.type)
    if (fault !== undefined && refuse(fault, response)) return
    const answer = info(request)
    spent = spent.filter(({ at }) => at > now() - MINUTE)
    if (spent.reduce((sum, { weight }) => sum + weight, answer.weight) > weightLimit) {
      refusals++
      return json(response, 429, null)
    }
    spent.push({ at: now(), weight: answer.weight })
    if (fault !== undefined) spoil(fault, request.type, answer.body)
    json(response, answer.status, answer.body)
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => response.destroy(error as Error))
  })
  const trades = createTradeFeed(
    server,
    series.map(({ coin }) => coin),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    socketUrl: `ws://127.0.0.1:${port}/ws`,
    trades,
    requests,
    faults,
    refused: () => refusals,
    hide: (coin, openTime) => void hidden.add(`${coin}/${openTime}`),
    reveal: (coin, openTime) => void hidden.delete(`${coin}/${openTime}`),
    close: () =>
      new Promise((resolve) => {
        trades.close()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
