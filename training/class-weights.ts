import { REGIMES } from '#models/regime.ts'

/** Weights that give each class present the same share of a loss; their mean over the samples is 1. */
export function inverseFrequency(labels: Uint8Array): Float64Array {
  const counts = new Float64Array(REGIMES.length)
  for (const label of labels) counts[label]++
  const present = counts.filter((count) => count > 0).length
  return counts.map((count) => (count > 0 ? labels.length / (present * count) : 0))
}
