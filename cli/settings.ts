import { hyperliquidSpec } from '#data/source.ts'
import type { RunSettings, WantedSource } from '#jobs/pipeline/settings.ts'
import { parseTimestamp } from './config/timestamp.ts'
import type { InForce } from './config.ts'

function wantedSource({ source, data, apiUrl, fallbackApiUrls, seed }: InForce): WantedSource {
  switch (source) {
    case 'csv':
      // The schema lets no csv source pass without its folder.
      return { source, data: data! }
    case 'simulated':
      return { source, seed }
    case 'hyperliquid':
      return hyperliquidSpec(apiUrl, fallbackApiUrls)
    case 'auto':
      return { source, apiUrl, fallbackApiUrls, seed }
  }
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseTimestamp(text)
}

/** What the pipeline is told: the checked configuration with texts turned into times and sources. */
export function toRunSettings(configuration: InForce): RunSettings {
  const { coins, pool, from, to, testFrom, seed, versions, maxModelAgeDays, training, wheel, fleet } = configuration
  const { evaluation, state, models, reports } = configuration
  return {
    source: wantedSource(configuration),
    coins,
    pool: pool?.length === 1 && pool[0] === 'all' ? 'all' : pool,
    from: timeOf(from),
    to: timeOf(to),
    testFrom: timeOf(testFrom),
    seed,
    versions,
    maxAgeDays: maxModelAgeDays,
    training,
    evaluation,
    wheel,
    fleet,
    paths: { state, models, reports },
  }
}
