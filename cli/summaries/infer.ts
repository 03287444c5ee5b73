import type { InferenceSummary, InferSummary } from '#jobs/pipeline/infer.ts'
import { REGIMES } from '#models/regime.ts'
import { decimal, layOut, minute } from '../table.ts'

/** How the fleet did, in a line, with every step down that it had to take. */
export function describeInference(inference: InferenceSummary): string {
  const { windows, seconds, workers, broker, servedBy, why, degradations } = inference
  const model = servedBy.id === undefined ? 'no model' : `${servedBy.kind} ${servedBy.id}`
  const work = `${windows} windows in ${decimal(seconds, 1)} s by ${workers} workers on ${broker}, ${model} (${why})`
  return [work, ...degradations].join('; ')
}

/** The newest regime of each coin. */
export function describeEstimates({ source, estimates, missing, inference }: InferSummary): string {
  const rows = estimates.map(({ coin, asOf, regime, probabilities }) => [
    coin,
    minute(asOf),
    regime,
    ...probabilities.map((value) => decimal(value)),
  ])
  const lines = [layOut([['coin', 'as of', 'regime', ...REGIMES], ...rows]), '']
  if (missing.length > 0) lines.push(`no estimate for ${missing.join(' ')}`)
  return [...lines, `${source}: ${describeInference(inference)}`].join('\n')
}
