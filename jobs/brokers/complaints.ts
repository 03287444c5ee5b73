import type { Logger } from 'pino'

/** How long the same words are not said again, milliseconds. */
const QUIET = 60_000

/**
 * Says what goes wrong with a broker's connections, each thing once a minute: every part of ours has a connection, and
 * each tells every few seconds that the server is away.
 *
 * @param now monotonic milliseconds
 */
export function createComplaints(logger: Logger, broker: string, now: () => number = () => performance.now()) {
  const said = new Map<string, number>()
  return (part: string, error: Error): void => {
    const last = said.get(error.message)
    if (last !== undefined && now() - last < QUIET) return
    said.set(error.message, now())
    logger.warn({ part, error: error.message }, `${broker} broker: ${error.message}`)
  }
}
