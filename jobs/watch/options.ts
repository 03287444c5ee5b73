import { z } from 'zod'

/** The HTTP ends of the fleet: health, metrics, the board of queues. */
export const WatchOptions = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('address to listen on; the loopback unless told otherwise'),
  port: z.int().min(0).max(65535).default(9470).describe('port of health, metrics and the board; 0: any free one'),
})
export type WatchOptions = z.infer<typeof WatchOptions>
