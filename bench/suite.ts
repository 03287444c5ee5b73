import { Bench } from 'tinybench'

/** A few ways to do one thing, timed in one run; only their ratios travel from machine to machine. */
export interface Suite {
  readonly name: string
  readonly unit: string
  /** What a call's time is divided by. */
  readonly divisor: number
  /** The case that the others are measured against. */
  readonly reference: string
  cases(): Promise<Record<string, () => Promise<void>>>
}

/** One row of the result; times are medians. */
export interface Timing {
  readonly case: string
  readonly median: number
  /** 99th percentile. */
  readonly p99: number
  /** How many times faster than the reference. */
  readonly ratio: number
}

/** Times the cases of a suite one after the other, each for at least `seconds`. */
export async function runSuite(suite: Suite, seconds: number): Promise<Timing[]> {
  const bench = new Bench({ time: seconds * 1000, warmupTime: seconds * 200, retainSamples: true })
  for (const [name, work] of Object.entries(await suite.cases())) bench.add(name, work)
  const rows = (await bench.run()).map((task) => {
    if (task.result.state !== 'completed') throw new Error(`${task.name} did not complete: ${task.result.state}`)
    const { p50, p99 } = task.result.latency
    return { case: task.name, median: p50 / suite.divisor, p99: p99 / suite.divisor }
  })
  const reference = rows.find((row) => row.case === suite.reference)
  if (!reference) throw new Error(`${suite.name} has no case "${suite.reference}"`)
  return rows.map((row) => ({ ...row, ratio: reference.median / row.median }))
}
