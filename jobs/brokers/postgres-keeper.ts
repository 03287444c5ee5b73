import { tmpdir } from 'node:os'
import { UnavailableError } from '#data/errors.ts'
import { keepPostgres } from './postgres-kept.ts'
import { startPostgresServer } from './postgres-server.ts'
import { sweepPostgres } from './postgres-sweep.ts'

/**
 * Process that keeps the embedded PostgreSQL: `postgres-keeper.ts <folder> [owner]`; with an owner, it keeps the data
 * for that one. It starts it, reports to its parent,
 * and stops it when the parent asks, ends, or is killed in any way (the channel between the two closes then).
 */

/** What the keeper tells its parent. */
export type KeeperMessage =
  | { readonly type: 'ready'; readonly url: string; readonly directory: string; readonly notes: readonly string[] }
  /** It did not get ready; `unavailable` where it may later, because somebody else has it now. */
  | { readonly type: 'failed'; readonly message: string; readonly unavailable: boolean }
  | { readonly type: 'lost'; readonly message: string }
  | { readonly type: 'back' }

function tell(message: KeeperMessage): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || !process.send) resolve()
    else process.send(message, () => resolve())
  })
}

/** Fresh, once, and gone at the end. */
async function serveOnce(directory: string, stop: AbortSignal): Promise<void> {
  // The server's files may have had to go to the folder for temporary files.
  const swept = [...(await sweepPostgres(directory)), ...(await sweepPostgres(tmpdir()))]
  const server = await startPostgresServer(directory)
  const notes = [...server.notes, ...swept.map((path) => `removed what a killed run had left in ${path}`)]
  stop.addEventListener('abort', () => void server.stop())
  if (stop.aborted) return server.stop()
  await tell({ type: 'ready', url: server.url, directory: server.directory, notes })
  const words = await server.exited
  if (!stop.aborted) await tell({ type: 'lost', message: words })
  await server.stop()
}

const stopping = new AbortController()
const stop = () => stopping.abort()
// Before anything is waited for: a parent that ends meanwhile must be noticed.
process.on('disconnect', stop)
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.on('message', (message) => {
  if (message === 'stop') stop()
})

const [directory, owner] = process.argv.slice(2)
try {
  if (owner) {
    await keepPostgres({
      parent: directory,
      owner,
      stop: stopping.signal,
      onReady: (server) => void tell({ type: 'ready', ...server }),
      onLost: (message) => void tell({ type: 'lost', message }),
      onBack: () => void tell({ type: 'back' }),
    })
  } else {
    await serveOnce(directory, stopping.signal)
  }
  process.exit(stopping.signal.aborted ? 0 : 1)
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  await tell({ type: 'failed', message, unavailable: error instanceof UnavailableError })
  process.exit(1)
}
