import { z } from 'zod'
import { fraction } from './numbers.ts'

/** Hours of 0 switch a protection off. */
export const ProtectionOptions = z.strictObject({
  cooldownHours: z.int().min(0).default(6).describe('After a position is closed its coin rests so long'),
  losingStreak: z.int().min(0).default(5).describe('So many losing trades in a row stop all openings; 0 never'),
  losingStreakHours: z.int().min(0).default(48).describe('for so long'),
  coinLosses: z
    .int()
    .min(0)
    .default(2)
    .describe('So many losing trades of a coin within coinLossDays lock it; 0 never'),
  coinLossDays: z.int().positive().default(7).describe('Days within which the losses of a coin count'),
  coinLockHours: z.int().min(0).default(72).describe('How long the coin is locked'),
  maxDrawdown: fraction.default(0.15).describe('Fall of equity from its peak that stops all openings and closes all'),
  drawdownHours: z.int().min(0).default(168).describe('How long a drawdown stops openings; the peak starts anew then'),
})
export type ProtectionOptions = z.infer<typeof ProtectionOptions>
