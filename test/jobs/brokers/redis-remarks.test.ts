import type { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { redisRemarks } from '#jobs/brokers/redis-remarks.ts'

const WELL = { redis_version: '7.0.15', maxmemory_policy: 'noeviction', aof_enabled: '1', aof_last_write_status: 'ok' }

/** A Redis that tells `info`, and `config` where it may. */
function redis(info: Record<string, string>, config: Record<string, string> | Error = {}) {
  const lines = Object.entries({ ...WELL, ...info }).map(([name, value]) => `${name}:${value}`)
  return {
    info: async () => `# Server\r\n${lines.join('\r\n')}\r\n`,
    config: async (_: string, name: string) => {
      if (config instanceof Error) throw config
      return name in config ? [name, config[name]] : []
    },
  } as unknown as Redis
}

describe('what is said of a Redis', () => {
  it('is nothing where jobs are neither thrown away nor lost', async () => {
    expect(await redisRemarks(redis({}))).toEqual([])
    expect(await redisRemarks(redis({ redis_version: '7.2.4', valkey_version: '9.0.1' }))).toEqual([])
  })

  it('is what threatens the jobs, and what to do', async () => {
    const words = async (info: Record<string, string>, save = '3600 1') =>
      (await redisRemarks(redis(info, { save }))).join('\n')
    expect(await words({ maxmemory_policy: 'allkeys-lru' })).toMatch(
      /throws jobs away.*allkeys-lru.*set maxmemory-policy/,
    )
    expect(await words({ aof_enabled: '0' }, '')).toMatch(/keeps nothing over a restart.*set appendonly yes/)
    expect(await words({ aof_enabled: '0' })).toMatch(/by snapshots only/)
    expect(await words({ aof_enabled: '0', rdb_last_bgsave_status: 'err' })).toMatch(
      /the last snapshot of Redis failed/,
    )
    expect(await words({ aof_last_write_status: 'err' })).toMatch(/could not write its append-only file/)
    expect(await words({ redis_version: '6.0.16' })).toMatch(/Redis 6.0.16 is old: 6.2 or newer/)
  })

  it('is that it cannot be told where the server does not answer such questions', async () => {
    const forbidden = new Error("ERR unknown command 'CONFIG', with args beginning with: 'GET' 'save'")
    const remarks = await redisRemarks(redis({ aof_enabled: '0' }, forbidden))
    expect(remarks).toEqual(['whether Redis keeps jobs over a restart cannot be told (no append-only file)'])
    const broken = new Error('Connection is closed.')
    await expect(redisRemarks(redis({ aof_enabled: '0' }, broken))).rejects.toThrow('Connection is closed')
  })
})
