import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { HonoAdapter } from '@bull-board/hono'
import { serveStatic } from '@hono/node-server/serve-static'
import type { Hono } from 'hono'
import { FLEET_QUEUES } from '../fleet-queues.ts'
import type { FleetQueues } from './broker-look.ts'

const WORDS: Record<(typeof FLEET_QUEUES)[number], string> = {
  hourly: 'ticks of the hourly schedule',
  daily: 'ticks of the daily schedule',
  round: 'steps of the hourly round',
  retrain: 'steps of the daily retraining',
  infer: 'batches of coins to estimate',
  train: 'models to train',
  dead: 'what failed for good: `millrace dead list`',
}

/** Bull Board for the queues of the fleet below `path`; its files come from node_modules, nothing from elsewhere. */
export function createBoard(queues: FleetQueues, path: string): Hono {
  const serverAdapter = new HonoAdapter(serveStatic)
  serverAdapter.setBasePath(path)
  createBullBoard({
    queues: FLEET_QUEUES.map((name) => new BullMQAdapter(queues[name] as never, { description: WORDS[name] })),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'millrace', hideDocsLink: true } as never },
  })
  return serverAdapter.registerPlugin() as unknown as Hono
}
