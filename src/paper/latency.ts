import type { Random } from '#data/random.ts'
import type { ExchangeOptions } from '../options/paper.ts'

/**
 * Whole milliseconds from a decision to the venue: log-normal around `latencyMs`. An order's latency depends on the seed
 * and its cloid only, so an order that is sent again after a restart arrives when it would have.
 *
 * @param random made from `options.seed`; only forked here.
 */
export function latencyOf(random: Random, cloid: string, { latencyMs, latencySpread }: ExchangeOptions): number {
  return Math.round(latencyMs * Math.exp(latencySpread * random.fork(cloid).normal()))
}
