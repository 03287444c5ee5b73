import type { InForce } from '../config.ts'
import type { Probe } from './check.ts'

/** Longest wait for the exchange, as a run has it. */
const TIMEOUT = 5000

/** Whether Hyperliquid's API answers. */
export function networkProbe({ apiUrl, source }: InForce, now: () => number, signal: AbortSignal): Probe {
  return {
    name: 'hyperliquid',
    async look() {
      const { probeHyperliquid } = await import('#data/source.ts')
      const { available, reason } = await probeHyperliquid({ apiUrl, timeout: TIMEOUT, now, signal })
      const needed = source === 'hyperliquid'
      const otherwise = needed ? 'use --source auto, csv or simulated' : 'a run with --source auto takes the simulator'
      return {
        finding: available ? 'ok' : needed ? 'problem' : 'note',
        text: reason,
        advice: available ? undefined : `${otherwise}; look into network, proxy and --api-url to have the exchange`,
        details: { available },
      }
    },
  }
}
