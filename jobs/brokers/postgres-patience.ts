import { setTimeout as delay } from 'node:timers/promises'

/** How long what is asked of a server that is away waits for it. */
export interface Patience {
  /** Milliseconds. */
  readonly total: number
  /** From when on, in `performance.now()`, little patience is left: what waits would keep the broker from closing. */
  closingSince?: number
}

/** First and longest pause before the same is asked again, milliseconds. */
const PAUSE_FIRST = 50
const PAUSE_LONGEST = 1_000
/** What is left of any patience once the broker closes, milliseconds. */
const CLOSING = 3_000

/** SQLSTATE classes: connection exception; shutdown, crash, not yet started; deadlock and serialization failure. */
const AGAIN = /^(?:08...|57P0[123]|40P01|40001)$/
const AWAY: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTCONN'])
/** pg's own words for a connection that broke: they have no code. */
const BROKEN = /^(?:Connection terminated|Client has encountered a connection error|timeout exceeded when trying to)/

/** True for what another try may mend: the server was away, or gave the transaction up as a whole. */
export function isWorthAsking(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code = '' } = error as NodeJS.ErrnoException
  return AGAIN.test(code) || AWAY.has(code) || BROKEN.test(error.message)
}

/** Asks until there is an answer, or the patience is at its end: then throws what was thrown last. */
export async function askPatiently<T>(ask: () => Promise<T>, patience: Patience): Promise<T> {
  const end = performance.now() + patience.total
  for (let pause = PAUSE_FIRST; ; pause = Math.min(2 * pause, PAUSE_LONGEST)) {
    try {
      return await ask()
    } catch (error) {
      const closing = patience.closingSince ?? Number.POSITIVE_INFINITY
      if (!isWorthAsking(error) || performance.now() > Math.min(end, closing + CLOSING)) throw error
    }
    await delay(pause)
  }
}
