import { ApiRequestError, ExchangeClient, type HttpTransport, TransportError } from '@nktkas/hyperliquid'
import { InputError, MillraceError, UnavailableError, VenueError } from '#data/errors.ts'
import type { Requester } from '#data/providers/hyperliquid-requests.ts'
import type { Sleep } from '#data/weight-budget.ts'
import type { Journal } from '../ledger/journal.ts'
import type { OrderRequest, OrderStatus } from '../venue/order.ts'
import type { Listing } from '../venue/venue.ts'
import { type AccountReader, createAccountReader } from './account-reading.ts'
import { tellHour } from './account-telling.ts'
import type { LiveConnection } from './door.ts'
import { orderWire } from './order-wire.ts'
import type { Signer } from './signer.ts'

/** @see connectHyperliquid */
export interface HyperliquidOptions {
  /** Points at the network that `signer` signs for: `isTestnet` decides what is signed, whatever the address. */
  readonly transport: HttpTransport
  readonly ask: Requester
  readonly signer: Signer
  /** The account that is traded for: the signer's own, or the one that approved it as its agent. */
  readonly account: `0x${string}`
  readonly now: () => number
  readonly sleep: Sleep
}

/** After this long the venue refuses an order that has not reached it, milliseconds. */
const EXPIRY = 15_000
/** The clocks of the two sides may differ by this much. */
const SLACK = 2_000
const BETWEEN_QUESTIONS = 1_000

/**
 * Hyperliquid as a live venue, for the door (`openLiveVenue`) to open.
 *
 * An order goes out at most once. Each carries its cloid and an expiry; where an answer does not come, the venue is asked
 * for the cloid until the order can no longer arrive, and only then is it called not sent. A process that has died may
 * have left an order under way: for that long after connecting nothing is sent, and the cloid is asked for first.
 */
export function connectHyperliquid(options: HyperliquidOptions): LiveConnection {
  const { transport, ask, signer, account, now, sleep } = options
  const exchange = new ExchangeClient({ transport, wallet: signer })
  const reader = createAccountReader(ask, account)
  const quietUntil = now() + EXPIRY + SLACK
  let assets: Promise<readonly string[]> | undefined

  async function assetOf(coin: string): Promise<number> {
    assets ??= reader.universe()
    // A failed question must not be kept as the answer to all later ones.
    const names = await assets.catch((error: unknown) => {
      assets = undefined
      throw error
    })
    const asset = names.indexOf(coin)
    if (asset >= 0) return asset
    throw new InputError(`the venue lists no ${coin}`, { coin })
  }

  async function send(order: OrderRequest, asset: number, { contract }: Listing): Promise<Answer> {
    const orders = [orderWire(order, asset, contract)]
    const expiresAfter = now() + EXPIRY
    try {
      await exchange.order({ orders, grouping: 'na' }, { expiresAfter })
      return { status: 'open' }
    } catch (error) {
      if (!(error instanceof TransportError)) return refusalOf(error, order)
      const fate = await fateInDoubt(reader, order.cloid, expiresAfter + SLACK, options)
      if (fate !== undefined) return answerOf(fate)
      throw new UnavailableError(
        `order ${order.cloid} of ${order.coin} did not reach the venue and no longer can: ${error.message}`,
        { cloid: order.cloid, coin: order.coin },
        error,
      )
    }
  }

  return {
    async submit(journal, order, time, listing) {
      const known = journal.state.openOrders.get(order.cloid)
      // Whatever is not merely intended the venue has spoken about: the same cloid again changes nothing.
      if (known?.status !== 'intended') return
      await sleep(Math.max(0, quietUntil - now()))
      const fate = await reader.fate(order.cloid)
      if (fate !== undefined) return note(journal, order, time, answerOf(fate))
      const asset = await assetOf(order.coin)
      const refusal = await setMargin(exchange, journal, order, asset, time)
      note(journal, order, time, refusal ?? (await send(order, asset, listing)))
    },

    async cancel(journal, cloid, time) {
      const order = journal.state.openOrders.get(cloid)
      if (order?.status !== 'open') return
      const { coin } = order.intent
      try {
        const asset = await assetOf(coin)
        await exchange.cancelByCloid({ cancels: [{ asset, cloid: cloid as `0x${string}` }] })
      } catch (error) {
        if (error instanceof TransportError) {
          throw new UnavailableError(`cancelling ${cloid} of ${coin}: ${error.message}`, { cloid, coin }, error)
        }
        // Filled or gone in the meantime: the next hour tells.
        refusalOf(error, order.intent.order)
        return
      }
      // What was filled before must be told before the order ends; where there is any, the next hour tells both.
      const since = journal.state.advancedTo ?? Number.NEGATIVE_INFINITY
      const fills = await reader.fills(Math.max(0, since + 1))
      if (fills.some((fill) => fill.cloid === cloid)) return
      journal.record({ kind: 'order', time, coin, cloid, status: 'cancelled', remaining: order.remaining })
    },

    advance: (journal, time, listings, signal) => tellHour(reader, account, journal, time, listings, signal),
  }
}

/** What the venue said to an order. */
interface Answer {
  readonly status: OrderStatus
  readonly message?: string
}

function note(journal: Journal, { cloid, coin, size }: OrderRequest, time: number, answer: Answer): void {
  journal.record({ kind: 'order', time, coin, cloid, remaining: size, ...answer })
}

/** An order that the venue knows: refused, or accepted; what came of it is told hour by hour. */
function answerOf(fate: string): Answer {
  return /rejected$/i.test(fate) ? { status: 'rejected', message: fate } : { status: 'open' }
}

/** Asks for an order of unknown fate until it can no longer arrive; undefined: it never did. */
async function fateInDoubt(
  reader: AccountReader,
  cloid: string,
  until: number,
  { now, sleep }: Pick<HyperliquidOptions, 'now' | 'sleep'>,
): Promise<string | undefined> {
  for (;;) {
    // Only a question that begins after the end can be the last one.
    const last = now() > until
    const fate = await reader.fate(cloid)
    if (fate !== undefined || last) return fate
    await sleep(BETWEEN_QUESTIONS)
  }
}

/**
 * The venue's words for an order that it refused.
 *
 * @throws {VenueError} where it refused the whole action (signature, nonce, account): no fault of the order
 */
function refusalOf(error: unknown, { cloid, coin }: OrderRequest): Answer {
  if (!(error instanceof ApiRequestError)) throw error
  const { response } = error.response as { response?: { data?: { statuses?: { error?: unknown }[] } } | string }
  const words = typeof response === 'object' ? response?.data?.statuses?.[0]?.error : undefined
  if (typeof words === 'string') return { status: 'rejected', message: words.replace(/ asset=\d+$/, '') }
  throw new VenueError(`${coin}: the venue refused the action: ${error.message}`, { cloid, coin }, error)
}

/** Sets margin mode and leverage where the ledger has others; the venue's refusal is the order's. */
async function setMargin(
  exchange: ExchangeClient,
  journal: Journal,
  order: OrderRequest,
  asset: number,
  time: number,
): Promise<Answer | undefined> {
  if (order.margin === undefined) return undefined
  const { coin } = order
  const { mode, leverage } = order.margin
  const holding = journal.state.account.holdings.get(coin)
  if (holding?.mode === mode && holding.leverage === leverage) return undefined
  try {
    await exchange.updateLeverage({ asset, isCross: mode === 'cross', leverage })
  } catch (error) {
    if (error instanceof ApiRequestError) {
      const { response } = error.response as { response?: unknown }
      return { status: 'rejected', message: typeof response === 'string' ? response : error.message }
    }
    if (!(error instanceof TransportError)) throw error
    // Setting it twice is setting it once: the order has not gone out, and the next try begins here again.
    throw new UnavailableError(`leverage of ${coin}: ${error.message}`, { coin }, error)
  }
  if (holding !== undefined && holding.size !== 0 && holding.mode !== mode) {
    throw new MillraceError('fail-closed', `${coin}: the venue changed the margin mode of an open position`, { coin })
  }
  journal.record({ kind: 'leverage', time, coin, mode, leverage })
  return undefined
}
