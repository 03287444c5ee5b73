import { DelayedError, type Job } from 'bullmq'
import { UnavailableError } from '#data/errors.ts'
import type { FleetRecords } from '../records.ts'
import { named } from './estimates.ts'
import type { RoundJob } from './flow.ts'
import type { KnownBars } from './markets.ts'
import type { RoundStepsOptions } from './step.ts'

/** How long a round waits for the venue's clock at a time, milliseconds. */
const LONGEST_WAIT = 60_000
/** Least and longest time for one fetch, milliseconds: a late round is to fetch as well, and none for ever. */
const LEAST_FETCH = 60_000
const LONGEST_FETCH = 45 * 60_000
/** Between two looks at a source whose bars are late, milliseconds. */
const LATE_PAUSE = 20_000

/** Share of the coins that may lack their bar without all others waiting for the deadline; they get so long, milliseconds. */
const FEW = 0.1
const FEW_PATIENCE = 120_000

/** Adds to what was not as it should be in a round; what is known stays once. */
export function addDegraded(records: FleetRecords, asOf: number, words: readonly string[]): void {
  if (words.length === 0) return
  const before = records.round(asOf)?.degraded ?? []
  records.noteRound(asOf, { degraded: [...new Set([...before, ...words])] })
}

/**
 * The first step of a round: brings the bars up to the hour. What is late is waited for until the deadline, without
 * holding up the process; then the round has what there is, and says what it lacks.
 */
export function createRefresh(options: RoundStepsOptions) {
  const { records, clock, markets } = options

  async function refresh(
    { asOf }: RoundJob,
    job: Job<unknown, unknown>,
    token: string,
    signal?: AbortSignal,
  ): Promise<KnownBars> {
    const waitOr = async (words: string, until = clock.deadline(asOf)): Promise<void> => {
      if (clock.now() >= until) return
      await job.moveToDelayed(Date.now() + (options.latePause ?? LATE_PAUSE), token)
      options.logger.info({ asOf, job: job.id }, `the round waits: ${words}`)
      throw new DelayedError()
    }
    await waitForVenue(asOf, job, token, signal)
    let known: KnownBars
    try {
      known = await fetchUntilDeadline(asOf, signal)
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      await waitOr(error.message)
      // What was stored has to do; where nothing was, there is nothing to go on with.
      known = await markets.load(asOf, { stored: error.message, ...(signal && { signal }) })
    }
    const { behind, newest, bars, notices } = known
    if (behind.length > 0) {
      // An hour in which nobody traded a coin never gets a bar: a few such coins must not hold up all others.
      const few = behind.length <= FEW * bars.length
      const deadline = clock.deadline(asOf)
      await waitOr(
        `${named(behind)} lack the bar that ended at the hour`,
        few ? Math.min(deadline, asOf + FEW_PATIENCE) : deadline,
      )
      addDegraded(records, asOf, [`degraded: ${named(behind)} lack the bar that ended at the hour; it was waited for`])
    }
    const stale = notices.filter(({ kind }) => kind === 'stale' || kind === 'unavailable' || kind === 'failover')
    addDegraded(records, asOf, [...new Set(stale.map(({ message }) => `degraded: data: ${message}`))].slice(0, 5))
    records.noteRound(asOf, { coins: bars.length, newestBar: newest })
    return known
  }

  /**
   * A clock of ours that is ahead would have a bar taken for finished that is not: the round waits until the venue has
   * come to its hour as well.
   */
  const waitForVenue = async (asOf: number, job: Job<unknown, unknown>, token: string, signal?: AbortSignal) => {
    const venue = await markets.clock?.(signal)
    if (venue === undefined) return
    const apart = Math.round((clock.now() - venue) / 60_000)
    if (apart !== 0) {
      const words = `the clock of this machine is ${Math.abs(apart)} min ${apart > 0 ? 'ahead of' : 'behind'} the exchange's`
      records.putNote('clock', JSON.stringify({ at: clock.now(), words }))
      addDegraded(records, asOf, [`degraded: ${words}`])
    }
    if (venue >= asOf) return
    const wait = Math.min(asOf - venue, options.latePause ?? LONGEST_WAIT)
    options.logger.warn(
      { asOf, job: job.id },
      `the round waits: at the exchange it is only ${new Date(venue).toISOString()}`,
    )
    await job.moveToDelayed(Date.now() + wait, token)
    throw new DelayedError()
  }

  /** Asks the source; what it has not given at the deadline is taken from the store as it is. */
  const fetchUntilDeadline = async (asOf: number, signal?: AbortSignal): Promise<KnownBars> => {
    const left = clock.deadline(asOf) - clock.now()
    if (!(left < Number.POSITIVE_INFINITY)) return markets.load(asOf, { ...(signal && { signal }) })
    const late = AbortSignal.timeout(Math.max(LEAST_FETCH, Math.min(left, LONGEST_FETCH)))
    try {
      return await markets.load(asOf, { signal: signal ? AbortSignal.any([signal, late]) : late })
    } catch (error) {
      if (!late.aborted || signal?.aborted) throw error
      return markets.load(asOf, { stored: 'the deadline of the round is over', ...(signal && { signal }) })
    }
  }

  return refresh
}
