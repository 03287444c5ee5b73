import { Bench } from 'tinybench'
import type { BackendName } from '#models/backend.ts'

/** Milliseconds by the clock on the wall, or of processor time. */
const CLOCKS = {
  wall: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
}
export type Clock = keyof typeof CLOCKS
export const CLOCK_NAMES = Object.keys(CLOCKS) as Clock[]

/** What the command line asked for. */
export interface BenchOptions {
  /** How long each case is repeated, at least. */
  readonly seconds: number
  /** `cpu` counts this process's processor time: of use on a busy machine, for what runs in one thread. */
  readonly clock: Clock
  /** Training backend, started already. */
  readonly backend: BackendName
  /** A Python with the packages of `bench/peers/`, for the suites that time them. */
  readonly python?: string
}

/** One row of a table. Only the ratio travels from machine to machine. */
export interface Row {
  readonly case: string
  /** In the table's unit; the median where a case was repeated. */
  readonly median: number
  /** 99th percentile, where a case was repeated. */
  readonly p99?: number
  /** The reference's median over this one's: how many times faster (or smaller). */
  readonly ratio: number
}

/** A few ways to do one thing, measured in one run. */
export interface Table {
  readonly title: string
  readonly unit: string
  readonly rows: readonly Row[]
  /** What must be known to read the figures, or what could not be measured and how to have it measured. */
  readonly remarks?: readonly string[]
}

/** What `npm run bench -- <name>` runs. */
export type Suite = (options: BenchOptions) => Promise<readonly Table[]>

/** One call of what is timed. */
export type Work = () => Promise<void>

/** Rows for values measured elsewhere, each compared with the case named `reference`. */
export function compareWith(reference: string, values: Readonly<Record<string, Omit<Row, 'case' | 'ratio'>>>): Row[] {
  const yardstick = values[reference]
  if (!yardstick) throw new Error(`no case "${reference}" among ${Object.keys(values).join(', ')}`)
  return Object.entries(values).map(([name, value]) => ({
    case: name,
    ...value,
    ratio: yardstick.median / value.median,
  }))
}

/**
 * Times the cases one after the other, each for at least `seconds`.
 *
 * @param clock `cpu` for what runs in one thread; the wall's unless given
 * @param divisor what a call's time, in milliseconds, is divided by
 * @param reference the case that the others are measured against
 */
export async function timeCases(
  cases: Readonly<Record<string, Work>>,
  {
    seconds,
    clock = 'wall',
    divisor,
    reference,
  }: { seconds: number; clock?: Clock; divisor: number; reference: string },
): Promise<Row[]> {
  const bench = new Bench({
    time: seconds * 1000,
    warmupTime: seconds * 200,
    retainSamples: true,
    iterations: 10,
    warmupIterations: 3,
    now: CLOCKS[clock],
  })
  for (const [name, work] of Object.entries(cases)) bench.add(name, work)
  const values: Record<string, { median: number; p99: number }> = {}
  for (const { name, result } of await bench.run()) {
    if (result.state !== 'completed') throw new Error(`${name} did not complete: ${result.state}`)
    values[name] = { median: result.latency.p50 / divisor, p99: result.latency.p99 / divisor }
  }
  return compareWith(reference, values)
}
