import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { Broker } from '#jobs/broker.ts'
import { NO_REDIS, startOwnRedis } from './redis-server.ts'

/** A broker's server that can be killed. */
export interface KillableServer {
  /** Undefined: an embedded server, that of `openBroker` with `keep`. */
  readonly redisUrl: string | undefined
  /** Kills it, and resolves when it is back. @returns bytes that it has lost */
  kill(broker: Broker, stateDirectory: string): Promise<number>
}

/** How a server is lost: killed, or its machine is. */
export const SERVERS = [
  { name: 'Redis killed', open: (awayMs: number) => openRedis(awayMs, []), cannot: NO_REDIS },
  // Where much is lost the jobs are gone, where little is lost some that were done wait again: both in turn.
  { name: 'Redis loses power', open: (awayMs: number) => openRedis(awayMs, [1_000, 150]), cannot: NO_REDIS },
  { name: 'embedded PostgreSQL killed', open: async () => embedded, cannot: undefined },
] as const

async function openRedis(awayMs: number, losses: readonly number[]): Promise<KillableServer> {
  const redis = await startOwnRedis()
  onTestFinished(() => redis.close())
  let kills = 0
  return {
    redisUrl: redis.url,
    async kill() {
      const lost = await redis.kill(losses[kills++ % losses.length])
      await delay(awayMs)
      await redis.start()
      return lost
    },
  }
}

/** Its keeper starts it again. */
const embedded: KillableServer = {
  redisUrl: undefined,
  async kill(broker, stateDirectory) {
    const file = await readFile(join(stateDirectory, 'broker', 'kept', 'data', 'postmaster.pid'), 'utf8')
    process.kill(Number(file.split('\n')[0]), 'SIGKILL')
    // It may still answer for a moment: what answers after a second is the new one, or has not noticed.
    await delay(200)
    while (
      !(await broker.ping().then(
        () => true,
        () => false,
      ))
    )
      await delay(50)
    return 0
  },
}
