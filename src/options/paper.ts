import { z } from 'zod'
import { fraction } from './numbers.ts'

/** The simulated exchange: what the venue charges, and how deep and fast it is taken to be. */
export const ExchangeOptions = z.strictObject({
  seed: z.int().default(1).describe('Seed of latency and of what depends on chance'),
  latencyMs: z.number().min(0).default(1500).describe('Median time from a decision to the venue'),
  latencySpread: z.number().min(0).default(0.5).describe('Standard deviation of its logarithm'),
  participation: fraction.default(0.1).describe('Most of an hour of volume that a resting order can fill of it'),
  halfSpread: fraction.default(0.0001).describe('Half of the spread in a market of ordinary volatility, fraction'),
  impact: z
    .number()
    .min(0)
    .default(0.7)
    .describe('Square-root impact: price moves by this x daily volatility x root(size / daily volume)'),
  marketBand: fraction.default(0.05).describe('A market order is an Ioc with a limit so far from the last price'),
  volume14d: z.number().min(0).default(0).describe('Dollars traded in the 14 days before the start, for the fee tier'),
  makerShare: fraction.default(0).describe('Share of the venue maker volume, for rebates'),
  sizeDecimals: z.int().min(0).max(8).default(4).describe('Decimals of a size where the venue states none'),
})
export type ExchangeOptions = z.infer<typeof ExchangeOptions>
