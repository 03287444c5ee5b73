import { clearinghouseState, meta, orderStatus, userFillsByTime, userFunding } from '@nktkas/hyperliquid/api/info'
import { z } from 'zod'
import { VenueError } from '#data/errors.ts'
import type { Requester } from '#data/providers/hyperliquid-requests.ts'

/** Reads an account at the venue; answers are checked, since the client library checks none (document, section 10.4). */
export interface AccountReader {
  /** Fills from `start` on, oldest first, each once. */
  fills(start: number, signal?: AbortSignal): Promise<VenueFill[]>
  /** Funding settled within `[start, end]`, oldest first. */
  funding(start: number, end: number, signal?: AbortSignal): Promise<VenueFunding[]>
  /** What became of an order; undefined where the venue knows none of that id. */
  fate(cloid: string, signal?: AbortSignal): Promise<string | undefined>
  positions(signal?: AbortSignal): Promise<VenuePosition[]>
  /** Coins in the order of the venue's universe: the index is the asset of an order. */
  universe(signal?: AbortSignal): Promise<readonly string[]>
}

const decimal = z.string().regex(/^-?\d+(\.\d+)?$/)
const number = decimal.transform(Number)
const time = z.int().nonnegative()

const Fill = z
  .object({
    coin: z.string(),
    px: number,
    sz: number,
    side: z.enum(['B', 'A']),
    time,
    crossed: z.boolean(),
    fee: number,
    feeToken: z.string(),
    tid: z.number(),
    cloid: z.string().toLowerCase().nullish(),
    liquidation: z.object({ liquidatedUser: z.string().toLowerCase().optional(), method: z.string() }).nullish(),
  })
  .transform(({ side, sz, ...rest }) => ({ ...rest, size: side === 'B' ? sz : -sz }))
export type VenueFill = z.infer<typeof Fill>

const Funding = z
  .object({
    time,
    delta: z.object({ coin: z.string(), usdc: number, szi: number, fundingRate: number }),
  })
  .transform(({ time: at, delta }) => ({ time: at, ...delta }))
export type VenueFunding = z.infer<typeof Funding>

const Position = z
  .object({
    position: z.object({
      coin: z.string(),
      szi: number,
      leverage: z.discriminatedUnion('type', [
        z.object({ type: z.literal('cross'), value: z.number() }),
        z.object({ type: z.literal('isolated'), value: z.number(), rawUsd: number }),
      ]),
    }),
  })
  .transform(({ position }) => position)
export type VenuePosition = z.infer<typeof Position>

const Fate = z.discriminatedUnion('status', [
  z.object({ status: z.literal('order'), order: z.object({ status: z.string() }) }),
  z.object({ status: z.literal('unknownOid') }),
])

/** Most fills in an answer (section 1.9). */
const PAGE = 2000
/** Most that a request weighs (section 3): 20 plus one for every 20 rows. */
const light = { most: 2, actual: () => 2 }
const rows = (most: number) => ({
  most: 20 + most / 20,
  actual: (answer: unknown) => 20 + (Array.isArray(answer) ? Math.ceil(answer.length / 20) : 0),
})
const plain = { most: 20, actual: () => 20 }

function checked<Schema extends z.ZodType>(what: string, schema: Schema, answer: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]
  throw new VenueError(`${what}: the answer is not what the venue documents: ${path.join('.')}: ${message}`, {
    request: what,
    field: path.join('.'),
  })
}

/**
 * @param ask requests within the venue's rate limit, tried again while it does not serve
 * @param user address of the account: the master's, never an agent's, which would read as empty (trap 11)
 */
export function createAccountReader(ask: Requester, user: `0x${string}`): AccountReader {
  return {
    async fills(start, signal) {
      const seen = new Map<number, VenueFill>()
      for (let from = start; ; ) {
        const what = `userFillsByTime from ${from}`
        const answer = await ask(
          what,
          rows(PAGE),
          (transport) => userFillsByTime({ transport }, { user, startTime: from }, signal),
          signal,
        )
        const page = checked(what, z.array(Fill), answer)
        const before = seen.size
        for (const fill of page) seen.set(fill.tid, fill)
        // From the last time again, since a page may end within a millisecond; done when that brings nothing new.
        if (page.length < PAGE || seen.size === before) break
        from = Math.max(...page.map((fill) => fill.time))
      }
      return [...seen.values()].sort((a, b) => a.time - b.time || a.tid - b.tid)
    },
    async funding(startTime, endTime, signal) {
      const what = `userFunding from ${startTime}`
      const answer = await ask(
        what,
        rows(500),
        (transport) => userFunding({ transport }, { user, startTime, endTime }, signal),
        signal,
      )
      return checked(what, z.array(Funding), answer).sort((a, b) => a.time - b.time)
    },
    async fate(cloid, signal) {
      const what = `orderStatus ${cloid}`
      const oid = cloid as `0x${string}`
      const answer = await ask(what, light, (transport) => orderStatus({ transport }, { user, oid }, signal), signal)
      const fate = checked(what, Fate, answer)
      return fate.status === 'order' ? fate.order.status : undefined
    },
    async positions(signal) {
      const what = 'clearinghouseState'
      const answer = await ask(what, light, (transport) => clearinghouseState({ transport }, { user }, signal), signal)
      return checked(what, z.object({ assetPositions: z.array(Position) }), answer).assetPositions
    },
    async universe(signal) {
      const answer = await ask('meta', plain, (transport) => meta({ transport }, {}, signal), signal)
      const names = z.object({ universe: z.array(z.object({ name: z.string() })) })
      return checked('meta', names, answer).universe.map(({ name }) => name)
    },
  }
}
