import { streamTrades } from '#data/providers/hyperliquid-trades.ts'
import { createFlowBook, type FlowBook } from '#data/trades.ts'
import type { RunContext } from '../pipeline/settings.ts'

/** Streams the trades of coins into a book, until the signal aborts. */
export function followTrades(
  coins: readonly string[],
  apiUrl: string | undefined,
  { logger, now, signal }: Pick<RunContext, 'logger' | 'now'> & { readonly signal: AbortSignal },
): FlowBook {
  const book = createFlowBook()
  const url = apiUrl?.replace(/^http/, 'ws').replace(/\/?$/, '/ws')
  const onProblem = ({ message }: Error) => logger.warn(`${message}; the flow scanner reads bars for these hours`)
  streamTrades({ coins, book, now, onProblem, ...(url && { url }) }, signal).catch(onProblem)
  return book
}
