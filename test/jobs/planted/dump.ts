import { Redis } from 'ioredis'
import pg from 'pg'
import type { Broker } from '#jobs/broker.ts'

/** All that a broker holds, as one text: whatever BullMQ keeps and wherever it does. */
export async function dumpBroker(broker: Broker): Promise<string> {
  const { REDIS_URL, MILLRACE_POSTGRES_URL } = broker.workerEnvironment()
  return REDIS_URL ? dumpRedis(REDIS_URL) : dumpPostgres(MILLRACE_POSTGRES_URL)
}

async function dumpRedis(url: string): Promise<string> {
  const client = new Redis(url)
  try {
    const texts: string[] = []
    for (const key of await client.keys('*')) texts.push(`${key} ${JSON.stringify(await read(client, key))}`)
    return texts.join('\n')
  } finally {
    client.disconnect()
  }
}

async function read(client: Redis, key: string): Promise<unknown> {
  const type = await client.type(key)
  if (type === 'hash') return client.hgetall(key)
  if (type === 'list') return client.lrange(key, 0, -1)
  if (type === 'set') return client.smembers(key)
  if (type === 'zset') return client.zrange(key, '0', '-1', 'WITHSCORES')
  if (type === 'stream') return client.xrange(key, '-', '+')
  return client.get(key)
}

/** All rows of all tables of a database. */
export async function dumpPostgres(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const tables = await client.query(
      `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.tables
       WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
    )
    const texts: string[] = []
    for (const { name } of tables.rows as { name: string }[]) {
      const { rows } = await client.query(`SELECT to_jsonb(t)::text AS row FROM ${name} t`)
      texts.push(...(rows as { row: string }[]).map(({ row }) => `${name} ${row}`))
    }
    return texts.join('\n')
  } finally {
    await client.end()
  }
}
