import { tmpdir } from 'node:os'
import { type PostgresServer, startPostgresServer } from './postgres-server.ts'
import { sweepPostgres } from './postgres-sweep.ts'

/**
 * Process that keeps the embedded PostgreSQL: it starts it, reports to its parent, and stops it when the parent
 * asks, ends, or is killed in any way (the channel between the two closes then).
 */

/** What the keeper tells its parent. */
export type KeeperMessage =
  | { readonly type: 'ready'; readonly url: string; readonly directory: string; readonly notes: readonly string[] }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'lost'; readonly message: string }

function tell(message: KeeperMessage): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || !process.send) resolve()
    else process.send(message, () => resolve())
  })
}

async function start(directory: string): Promise<PostgresServer> {
  // The server's files may have had to go to the folder for temporary files.
  const swept = [...(await sweepPostgres(directory)), ...(await sweepPostgres(tmpdir()))]
  const server = await startPostgresServer(directory)
  return {
    ...server,
    notes: [...server.notes, ...swept.map((path) => `removed what a killed run had left in ${path}`)],
  }
}

let ending = false
const starting = start(process.argv[2])

const end = async () => {
  if (ending) return
  ending = true
  const server = await starting.catch(() => undefined)
  await server?.stop()
  process.exit(0)
}
// Before anything is waited for: a parent that ends meanwhile must be noticed.
process.on('disconnect', end)
process.on('SIGTERM', end)
process.on('SIGINT', end)
process.on('message', (message) => {
  if (message === 'stop') void end()
})

try {
  const server = await starting
  await tell({ type: 'ready', url: server.url, directory: server.directory, notes: server.notes })
  const words = await server.exited
  if (!ending) {
    await tell({ type: 'lost', message: words })
    process.exit(1)
  }
} catch (error) {
  await tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}
