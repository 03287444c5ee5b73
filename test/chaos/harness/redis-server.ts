import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Guarded, spawnGuarded } from './guarded.ts'

export interface OwnRedis {
  readonly url: string
  readonly port: number
  /**
   * Ends it by SIGKILL. With `losing`, what it wrote in so many of the last milliseconds is cut off from its
   * append-only file as well: `appendfsync everysec` promises no more after a loss of power.
   *
   * @returns bytes that were cut off
   */
  kill(losing?: number): Promise<number>
  /** Starts it again with what is in its files. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Why no Redis can be started here. */
export const NO_REDIS = found() ? undefined : 'no redis-server here'

function found(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Milliseconds between two looks at how long the append-only file is. */
const LOOK = 20

/** A Redis of our own with an append-only file, as production has it, to be killed at will. */
export async function startOwnRedis(hosts: readonly string[] = ['127.0.0.1']): Promise<OwnRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-redis-'))
  const port = await freePort()
  let server: Guarded | undefined
  const lengths: { at: number; bytes: number }[] = []
  const looking = setInterval(() => void look(), LOOK)
  looking.unref()

  const appendOnly = async () => {
    const folder = join(directory, 'appendonlydir')
    const name = (await readdir(folder).catch(() => [])).find((file) => file.endsWith('.incr.aof'))
    return name === undefined ? undefined : join(folder, name)
  }
  const look = async () => {
    const path = await appendOnly()
    if (path !== undefined) lengths.push({ at: performance.now(), bytes: (await stat(path)).size })
  }
  const start = async () => {
    const settings: Record<string, string> = {
      port: String(port),
      bind: hosts.join(' '),
      dir: directory,
      appendonly: 'yes',
      appendfsync: 'everysec',
      // One file from beginning to end, so that its tail can be cut off.
      'auto-aof-rewrite-percentage': '0',
      'maxmemory-policy': 'noeviction',
      'protected-mode': 'no',
    }
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, ...value.split(' ')])
    server = await spawnGuarded('redis-server', [...args, '--save', ''])
    await server.said(/Ready to accept connections/)
  }
  await start()

  return {
    url: `redis://${hosts[0]}:${port}`,
    port,
    start,
    async kill(losing = 0) {
      const at = performance.now()
      await server?.kill()
      server = undefined
      const path = losing > 0 ? await appendOnly() : undefined
      const kept = lengths.findLast((known) => known.at <= at - losing)
      if (path === undefined || kept === undefined) return 0
      const { size } = await stat(path)
      await truncate(path, kept.bytes)
      return size - kept.bytes
    },
    async close() {
      clearInterval(looking)
      await server?.kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
