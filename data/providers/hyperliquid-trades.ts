import { WebSocketRequestError, WebSocketTransport } from '@nktkas/hyperliquid'
import { trades } from '@nktkas/hyperliquid/api/subscription'
import { HOUR } from '../bars.ts'
import { InputError, type MillraceError, UnavailableError, VenueError } from '../errors.ts'
import type { FlowBook } from '../trades.ts'
import { readTrades } from './hyperliquid-answers.ts'

/** @see streamTrades */
export interface TradeStreamOptions {
  /** Perpetuals as the venue names them; ask only for coins of its list, see {@link streamTrades}. */
  readonly coins: readonly string[]
  /** Where the trades go. */
  readonly book: FlowBook
  readonly now: () => number
  /** Address of the venue's socket, `ws://host/ws`; the venue's own unless given. */
  readonly url?: string
  /** Longest wait for a connection or a confirmation, milliseconds. */
  readonly timeout?: number
  /** Delay before try number `attempt` (from 1) to connect again, milliseconds; doubles up to 10 s unless given. */
  readonly reconnectDelay?: (attempt: number) => number
  /** What went wrong while the stream went on: hours are not covered, and why. */
  readonly onProblem?: (problem: MillraceError) => void
}

/** The venue closes the connection without a word when it is asked for a coin that it does not know. */
const CLOSURES_UNTIL_GIVEN_UP = 3

/**
 * Streams trades into `book` until `signal` is aborted.
 *
 * The book is told when a coin is subscribed, that the stream is alive (any frame, so also the answer to the ping
 * every 30 s), and when the connection is lost. The client library connects again by itself; then every coin is
 * subscribed anew, and what was traded meanwhile is missing. A frame that is not what the venue documents is not
 * taken; its hour is not covered, and `onProblem` gets a `VenueError`.
 *
 * The venue answers an unknown coin by closing the connection, for all coins. A coin at whose subscription this happens
 * three times in a row is given up with an `InputError`.
 *
 * Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions
 *
 * @throws {InputError} when `url` is none.
 * @throws {UnavailableError} when the connection is closed for good.
 */
export async function streamTrades(options: TradeStreamOptions, signal: AbortSignal): Promise<void> {
  const { book, coins, now, onProblem = () => {} } = options
  if (signal.aborted) return
  const transport = connect(options)
  const closures = new Map(coins.map((coin) => [coin, 0]))
  const subscribed = new Set<string>()
  let cut = false
  let lost = Promise.withResolvers<void>()

  const interrupt = (which: Iterable<string>) => {
    for (const coin of which) book.broken(coin)
  }
  const onClose = () => {
    interrupt(coins)
    lost.resolve()
    // Every failed try to connect again closes as well; one word is enough.
    if (!cut && !signal.aborted) onProblem(unavailable('trades: no connection to the venue, trying again', undefined))
    cut = true
  }
  const onMessage = ({ data }: MessageEvent) => {
    const time = now()
    book.heard(time)
    try {
      takeFrame(data, time, book)
    } catch (error) {
      if (!(error instanceof VenueError)) throw error
      // Which trades the frame was to bring nobody knows: a stretch ends here for every coin, and the next begins.
      for (const coin of coins) {
        if (subscribed.has(coin)) {
          book.broken(coin)
          book.opened(coin, time)
        }
      }
      onProblem(error)
    }
  }
  // An error rejects what is on its way before the close that follows it.
  transport.socket.addEventListener('error', onClose)
  transport.socket.addEventListener('close', onClose)
  transport.socket.addEventListener('message', onMessage)
  const stop = () => lost.resolve()
  signal.addEventListener('abort', stop)

  /** Subscribes one coin; false when the connection is gone. */
  async function subscribe(coin: string): Promise<boolean> {
    try {
      // Frames are read by onMessage: the library passes on only those whose first trade it recognises.
      await trades({ transport }, { coin }, () => {}, { signal })
      closures.set(coin, 0)
      subscribed.add(coin)
      book.opened(coin, now())
      return true
    } catch (error) {
      if (signal.aborted) return false
      if (!(error instanceof WebSocketRequestError)) throw error
      if (!cut) {
        onProblem(unavailable(`trades ${coin}: the venue did not subscribe: ${error.message}`, coin, error))
        return true
      }
      const closed = (closures.get(coin) ?? 0) + 1
      closures.set(coin, closed)
      if (closed >= CLOSURES_UNTIL_GIVEN_UP) {
        closures.delete(coin)
        const message = `trades ${coin}: the venue closed the connection ${closed} times when asked for it`
        onProblem(
          new InputError(`${message}: is it in the venue's list? It is not asked for any more`, { coin }, error),
        )
      }
      return false
    }
  }

  try {
    while (!signal.aborted) {
      await ready(transport, signal)
      cut = false
      lost = Promise.withResolvers<void>()
      subscribed.clear()
      // Coins that closed the connection before come last, so that the others at least begin.
      const order = [...closures].sort(([, a], [, b]) => a - b).map(([coin]) => coin)
      let connected = !signal.aborted
      for (const coin of order) connected = connected && (await subscribe(coin))
      if (connected) await lost.promise
    }
  } finally {
    signal.removeEventListener('abort', stop)
    transport.socket.removeEventListener('error', onClose)
    transport.socket.removeEventListener('close', onClose)
    transport.socket.removeEventListener('message', onMessage)
    interrupt(coins)
    transport.close()
  }
}

function connect({ url, timeout, reconnectDelay }: Pick<TradeStreamOptions, 'url' | 'timeout' | 'reconnectDelay'>) {
  if (url !== undefined && !(URL.canParse(url) && /^wss?:$/.test(new URL(url).protocol))) {
    throw new InputError(`trades: ${url} is no address of a socket: it must begin with ws:// or wss://`, { url })
  }
  return new WebSocketTransport({
    ...(url !== undefined && { url }),
    timeout: timeout ?? 10_000,
    resubscribe: false,
    reconnect: {
      connectionTimeout: timeout ?? 10_000,
      ...(reconnectDelay !== undefined && { reconnectionDelay: reconnectDelay }),
    },
  })
}

/** Waits for the connection; returns as well when `signal` is aborted. */
async function ready(transport: WebSocketTransport, signal: AbortSignal): Promise<void> {
  try {
    await transport.ready(signal)
  } catch (error) {
    if (signal.aborted) return
    throw unavailable('trades: the connection to the venue is closed for good', undefined, error)
  }
}

/** Adds the trades of a frame, if it is one of trades. */
function takeFrame(data: unknown, now: number, book: FlowBook): void {
  let frame: unknown
  try {
    frame = JSON.parse(String(data))
  } catch (error) {
    const field = 'the frame'
    throw new VenueError(`trades: a frame is no JSON: ${String(data).slice(0, 120)}`, { field }, error)
  }
  const { channel, data: content } = (frame ?? {}) as { channel?: unknown; data?: unknown }
  if (channel !== 'trades') return
  const taken = readTrades(content)
  for (const { coin, time } of taken) {
    if (time > now + HOUR) {
      throw new VenueError(`trades ${coin}: time must not lie more than an hour ahead, got ${time}`, {
        coin,
        field: 'time',
        value: time,
      })
    }
  }
  book.add(taken)
}

function unavailable(message: string, coin: string | undefined, cause?: unknown): UnavailableError {
  return new UnavailableError(message, { request: 'trades', ...(coin !== undefined && { coin }) }, cause)
}
