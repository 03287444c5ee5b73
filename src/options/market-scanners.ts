import { z } from 'zod'
import { dollars, fraction, hours } from './numbers.ts'

export const CrossSectionOptions = z
  .strictObject({
    momentumHours: hours.default(168).describe('Hours of the return that momentum is ranked by'),
    volatilityHours: hours.default(168).describe('Hours of the volatility that is ranked'),
    fundingHours: hours.default(168).describe('Hours that the funding z is measured against'),
    weights: z
      .strictObject({ momentum: fraction, volatility: fraction, funding: fraction })
      .refine((weights) => Math.abs(weights.momentum + weights.volatility + weights.funding - 1) < 1e-9, {
        error: 'must add up to 1',
      })
      .default({ momentum: 0.4, volatility: 0.3, funding: 0.3 })
      .describe('Share of each rank in the score: momentum, 1 / volatility, |funding z|'),
    best: z.int().positive().default(10).describe('Only so many of the best coins get a signal'),
    keepBest: z.int().positive().default(20).describe('A held side is backed down to this place (hysteresis)'),
    minCoins: z.int().min(2).default(5).describe('Fewest coins that can be ranked'),
    efficiencyHours: hours.default(24).describe('Hours over which |net move| / path is taken'),
    minEfficiency: fraction.default(0.3).describe('A coin with less trend efficiency is skipped'),
    movingAverageBars: hours.default(200).describe('Bars of the average whose side must be that of the direction'),
    minOpenInterestDollars: dollars.default(10_000_000).describe('A coin with less open interest is skipped'),
    unknownOpenInterest: z
      .enum(['skip', 'pass'])
      .default('pass')
      .describe('What an unknown open interest does; it is reported as unavailable either way'),
    horizonHours: hours.default(24).describe('Holding time'),
  })
  .refine((value) => value.keepBest >= value.best, { path: ['keepBest'], error: 'must not be less than best' })
export type CrossSectionOptions = z.infer<typeof CrossSectionOptions>

export const BreakoutOptions = z
  .strictObject({
    channelHours: hours.default(48).describe('Hours of the channel of highs and lows (Donchian)'),
    exitHours: hours.default(12).describe('A held side is backed until the opposite channel of so many hours breaks'),
    volumeHours: hours.default(168).describe('Hours that the volume of the breakout is compared with'),
    minVolumeRatio: z.number().positive().default(1.5).describe('Volume over its mean that confirms a breakout'),
    volatilityHours: hours.default(12).describe('Hours of the recent true range'),
    minVolatilityRatio: z
      .number()
      .positive()
      .default(1.2)
      .describe('Recent true range over that of volumeHours that confirms a breakout'),
    horizonHours: hours.default(24).describe('Holding time'),
  })
  .refine((value) => value.exitHours <= value.channelHours, {
    path: ['exitHours'],
    error: 'must not exceed channelHours',
  })
export type BreakoutOptions = z.infer<typeof BreakoutOptions>

export const FlowOptions = z
  .strictObject({
    windowHours: hours.default(6).describe('Hours over which signed volume is summed'),
    baselineHours: hours.default(168).describe('Hours that imbalance and volume are measured against'),
    minBaseline: z.int().min(8).default(72).describe('Fewest hours of the baseline'),
    entryZ: z.number().positive().default(2).describe('An anomaly needs |z| of the imbalance above this'),
    exitZ: z.number().min(0).default(0.5).describe('A held side is backed until its z falls to this (hysteresis)'),
    minVolumeZ: z.number().default(1).describe('and a z of the log volume above this'),
    horizonHours: hours.default(12).describe('Holding time'),
  })
  .refine((value) => value.exitZ < value.entryZ, { path: ['exitZ'], error: 'must be below entryZ' })
  .refine((value) => value.minBaseline <= value.baselineHours, {
    path: ['minBaseline'],
    error: 'must not exceed baselineHours',
  })
export type FlowOptions = z.infer<typeof FlowOptions>
