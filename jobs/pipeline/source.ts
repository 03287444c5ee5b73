import { hyperliquidSpec, probeHyperliquid, type SourceSpec } from '#data/source.ts'
import type { RunContext, WantedSource } from './settings.ts'

/** The source that serves, and why it was taken. */
export interface ResolvedSource {
  readonly spec: SourceSpec
  readonly reason: string
}

/** Longest wait for the exchange before the simulator stands in, milliseconds. */
const PATIENCE = 5000

/** Decides what `auto` means today; any other source is taken at its word. */
export async function resolveSource(wanted: WantedSource, context: RunContext): Promise<ResolvedSource> {
  if (wanted.source !== 'auto') return { spec: wanted, reason: 'asked for' }
  const { apiUrl, fallbackApiUrls, seed } = wanted
  context.progress({ stage: 'source', done: 0, total: 1, note: 'is Hyperliquid there?' })
  const probe = await probeHyperliquid({ apiUrl, timeout: PATIENCE, now: context.now, signal: context.signal })
  const spec: SourceSpec = probe.available ? hyperliquidSpec(apiUrl, fallbackApiUrls) : { source: 'simulated', seed }
  const reason = probe.available ? probe.reason : `the simulator stands in: ${probe.reason}`
  context.progress({ stage: 'source', done: 1, total: 1, note: spec.source })
  context.logger.info({ source: spec.source }, `source ${spec.source}: ${reason}`)
  return { spec, reason }
}
