import { randomBytes } from 'node:crypto'
import { lowerBound, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { FeatureTable } from '#data/features.ts'
import type { ServedKind } from '#models/regime.ts'
import type { VersionName } from '#models/registry-expiry.ts'
import type { InferJob } from './queues.ts'
import { packStretch } from './stretch.ts'

/** What is to be estimated, and how it is cut into jobs. */
export interface Stint {
  readonly tables: readonly FeatureTable[]
  /** Moments to estimate: rows with `from <= asOf < to`. */
  readonly asOf: TimeRange
  /** Rows of history to send along: as far back as a window of the model that will serve, default 192 (8 days). */
  readonly history?: number
  /** Most rows to estimate in one job; default: what gives `minimumJobs` jobs, between 32 and 512. */
  readonly rowsPerJob?: number
  /** Most coins in one job, default 32. */
  readonly batchCoins?: number
  /** Work is cut into at least so many jobs where there are rows enough: four per worker; default 8. */
  readonly minimumJobs?: number
  readonly only?: ServedKind
  /** Versions to serve instead of the champions, the first that is usable. */
  readonly pinned?: readonly VersionName[]
}

const DEFAULT_HISTORY = 192
const DEFAULT_COINS = 32
const DEFAULT_JOBS = 8
const FEWEST_ROWS = 32
const MOST_ROWS = 512

/** Rows `[first, end)` of a table, which one job estimates. */
export interface Span {
  readonly table: FeatureTable
  readonly first: number
  readonly end: number
}

/** A name that no round had before, of 72 random bits: short, since it is in every key and every event of every job. */
export function newRound(): string {
  return randomBytes(9).toString('base64url')
}

/** The jobs of a round: stretches of at most `rowsPerJob` rows, packed into jobs of at most as many rows and `batchCoins` coins. */
export function cutJobs({ round = newRound(), ...stint }: Stint & { readonly round?: string }): InferJob[] {
  return planJobs(stint).map((plan) => packJob(plan, round, stint))
}

/** The job of the round of this name that estimates the rows of `plan`. */
export function packJob(
  plan: readonly Span[],
  round: string,
  { history = DEFAULT_HISTORY, only, pinned }: Stint,
): InferJob {
  const batch = plan.map(({ table, first, end }) => packStretch(table, first, end, history))
  return { round, batch, ...(only && { only }), ...(pinned && { pinned: [...pinned] }) }
}

/**
 * Which rows go into which job.
 *
 * @throws {InputError} when no table has a row in `asOf`
 */
export function planJobs(stint: Stint): Span[][] {
  const { tables, asOf, batchCoins = DEFAULT_COINS } = stint
  const spans = tables.map((table) => ({
    table,
    first: lowerBound(table.asOf, asOf.from),
    end: lowerBound(table.asOf, asOf.to),
  }))
  const total = spans.reduce((sum, { first, end }) => sum + Math.max(0, end - first), 0)
  if (total === 0) {
    const range = `${new Date(asOf.from).toISOString()} up to ${new Date(asOf.to).toISOString()}`
    throw new InputError(`there is nothing to estimate: none of ${tables.length} coins has a row in ${range}`)
  }
  const even = Math.ceil(total / (stint.minimumJobs ?? DEFAULT_JOBS))
  const rowsPerJob = stint.rowsPerJob ?? Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, even))

  const jobs: Span[][] = []
  let batch: Span[] = []
  let rows = 0
  const flush = () => {
    if (batch.length > 0) jobs.push(batch)
    batch = []
    rows = 0
  }
  for (const { table, first, end } of spans) {
    for (let row = first; row < end; ) {
      if (rows === rowsPerJob || batch.length === batchCoins) flush()
      const until = Math.min(end, row + rowsPerJob - rows)
      batch.push({ table, first: row, end: until })
      rows += until - row
      row = until
    }
  }
  flush()
  return jobs
}
