import { z } from 'zod'

/** What is worth waking somebody for. Where alerts go is a secret: see `secrets.ts`. */
export const AlertOptions = z.strictObject({
  staleMinutes: z.number().positive().default(90).describe('alert when the newest bar is older than this'),
  drawdownPercent: z.number().positive().max(100).default(10).describe('alert when equity is so far below its peak'),
  retrainingHours: z.number().positive().default(48).describe('alert when no retraining ended for so long'),
  repeatHours: z.number().positive().default(24).describe('an alert that lasts is sent again after so long'),
})
export type AlertOptions = z.infer<typeof AlertOptions>
