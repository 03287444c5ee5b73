import type { FeatureTable } from '#data/features.ts'
import type { Broker } from '#jobs/broker.ts'
import { cutJobs } from '#jobs/cut-jobs.ts'
import { inferResultSchema } from '#jobs/queues.ts'
import { identified, runRound } from '#jobs/round.ts'
import { KNOTS } from './champion.ts'
import { type Cut, rangeOf } from './rates.ts'

/** Jobs of one round by the worker that did them, most first. */
export async function splitOfRound(
  broker: Broker,
  tables: readonly FeatureTable[],
  rows: number,
  cut: Cut,
): Promise<readonly number[]> {
  const payloads = cutJobs({ tables, asOf: rangeOf(tables, rows), history: KNOTS - 1, ...cut })
  const outcomes = await runRound({
    broker,
    queue: 'infer',
    jobs: payloads.map(identified),
    parse: (value) => inferResultSchema.parse(value).worker,
    patience: 60_000,
  })
  const jobs = new Map<string, number>()
  for (const outcome of outcomes) {
    if (!outcome.ok) throw outcome.error
    jobs.set(outcome.result, (jobs.get(outcome.result) ?? 0) + 1)
  }
  return [...jobs.values()].sort((a, b) => b - a)
}
