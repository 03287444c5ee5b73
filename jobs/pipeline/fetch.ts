import { gaps, HOUR } from '#data/bars.ts'
import type { DataNotice } from '#data/provider.ts'
import { loadHistory } from '#training/history.ts'
import { datasetRequest, withRemarks } from './dataset.ts'
import { isoRange } from './evaluate.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'

/** What `fetch` answers. */
export interface FetchSummary {
  readonly source: string
  readonly reason: string
  readonly origin: string
  readonly coins: readonly {
    readonly coin: string
    readonly bars: number
    readonly from: string
    readonly to: string
    readonly gaps: readonly { readonly from: string; readonly to: string; readonly hours: number }[]
    readonly fundingMissing: number
  }[]
  readonly notices: readonly DataNotice[]
  /** SHA-256 over all bars. */
  readonly hash: string
}

/** The `fetch` command: brings the local store up to date and says what there is and what is missing. */
export async function fetchCommand(settings: RunSettings, context: RunContext): Promise<FetchSummary> {
  const source = await resolveSource(settings.source, context)
  const history = await withRemarks(loadHistory, datasetRequest(settings, source, context.now()), context)
  const coins = history.bars.map((bars) => ({
    coin: bars.coin,
    bars: bars.openTime.length,
    ...isoRange({ from: bars.openTime[0], to: bars.openTime[bars.openTime.length - 1] + HOUR }),
    gaps: gaps(bars.openTime).map((gap) => ({ ...isoRange(gap), hours: gap.hours })),
    fundingMissing: bars.funding.reduce((sum, rate) => sum + (Number.isNaN(rate) ? 1 : 0), 0),
  }))
  const { origin, notices, hash } = history
  return { source: source.spec.source, reason: source.reason, origin, coins, notices, hash }
}
