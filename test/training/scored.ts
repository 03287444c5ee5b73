import type { Evaluation, ModelScore } from '#training/evaluation.ts'

const EVEN = { chop: 0.4, trend: 0.3, reversal: 0.3 }

/** An evaluation that holds only what the verdict reads; leads have an interval of `half` to either side. */
export function scored(models: Record<string, Partial<ModelScore>>, half = 0.015): Evaluation {
  const full = Object.fromEntries(
    Object.entries(models).map(([name, score]) => [
      name,
      { answered: 10, unanswered: 0, occupancy: EVEN, churnPerDay: 3, ...score },
    ]),
  ) as Record<string, ModelScore>
  const names = Object.keys(models)
  const differences = ['cde', 'hmm']
    .filter((first) => names.includes(first))
    .flatMap((first) =>
      names
        .filter((second) => second !== first)
        .map((second) => {
          const difference = full[first].macroF1 - full[second].macroF1
          return { first, second, difference, low: difference - half, high: difference + half, p: 0.05 }
        }),
    )
  return { models: full, differences, labels: { churnPerDay: 2.5 } } as unknown as Evaluation
}
