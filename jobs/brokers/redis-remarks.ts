import type { Redis } from 'ioredis'

/** The oldest server that BullMQ recommends. */
const OLDEST = [6, 2]

/**
 * What is not as a fleet needs it at a Redis, in words that say what to do; empty where all is well.
 *
 * Jobs must neither be thrown away when memory gets short nor be lost with a restart
 * (https://docs.bullmq.io/guide/going-to-production). What a managed Redis does not tell is no fault of it.
 */
export async function redisRemarks(client: Pick<Redis, 'info' | 'config'>): Promise<string[]> {
  const info = parseInfo(await client.info())
  const remarks: string[] = []

  const version = info.get('valkey_version') ? undefined : info.get('redis_version')
  if (version && isOlder(version)) remarks.push(`Redis ${version} is old: ${OLDEST.join('.')} or newer is recommended`)

  const policy = info.get('maxmemory_policy') ?? (await setting(client, 'maxmemory-policy'))
  if (policy === undefined) remarks.push('whether Redis throws jobs away when memory gets short cannot be told')
  else if (policy !== 'noeviction') {
    remarks.push(
      `Redis throws jobs away when memory gets short (maxmemory-policy ${policy}): set maxmemory-policy noeviction`,
    )
  }

  const appends = info.get('aof_enabled') === '1'
  if (appends && info.get('aof_last_write_status') === 'err') {
    remarks.push('Redis could not write its append-only file: look into its disk, jobs are lost with a restart')
  }
  if (!appends) remarks.push(...(await snapshotRemarks(client, info)))
  return remarks
}

async function snapshotRemarks(client: Pick<Redis, 'config'>, info: ReadonlyMap<string, string>): Promise<string[]> {
  const save = await setting(client, 'save')
  if (save === undefined) return ['whether Redis keeps jobs over a restart cannot be told (no append-only file)']
  if (save === '') return ['Redis keeps nothing over a restart (no append-only file, no snapshots): set appendonly yes']
  const failed =
    info.get('rdb_last_bgsave_status') === 'err' ? ['the last snapshot of Redis failed: look into its disk'] : []
  return [...failed, 'Redis keeps jobs by snapshots only: those since the last are lost in a crash; set appendonly yes']
}

/** A setting of the server; undefined where it may not be asked for. */
async function setting(client: Pick<Redis, 'config'>, name: string): Promise<string | undefined> {
  try {
    const answer = (await client.config('GET', name)) as string[]
    return answer[1]
  } catch (error) {
    // Managed servers forbid or rename CONFIG; a connection that breaks is another matter.
    if (/^(?:ERR|NOPERM)\b/.test((error as Error).message)) return undefined
    throw error
  }
}

/** `INFO`: lines of `name:value`. */
function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).map((line) => line.split(':', 2) as [string, string])
  return new Map(lines.filter(([, value]) => value !== undefined))
}

function isOlder(version: string): boolean {
  const [major, minor] = version.split('.').map(Number)
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
}
