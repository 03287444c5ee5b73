import { floorToHour, HOUR } from '#data/bars.ts'

/** Tells which rounds are due: the one thing in which an exchange and a replay of history differ. */
export interface RoundClock {
  /**
   * The newest full hour whose round may begin; undefined: none (yet).
   *
   * @param last asOf of the newest round that began, and when it did; undefined before the first.
   */
  due(last: { readonly asOf: number; readonly startedAt: number } | undefined): number | undefined
  /** Whether an hour is over since so long that nothing can be opened at its prices any more. */
  late(asOf: number): boolean
  /** Moment until which late data are waited for, UTC milliseconds of {@link RoundClock.now}. */
  deadline(asOf: number): number
  readonly now: () => number
}

/** What lies further back than this is told by its history only, milliseconds. */
const LATEST = HOUR / 2

/** The clock on the wall: a round is due when its hour is over and its bars have had time to arrive. */
export function wallClock(
  now: () => number,
  options: { readonly graceSeconds: number; readonly deadlineMinutes: number },
): RoundClock {
  const grace = 1000 * options.graceSeconds
  return {
    now,
    due: () => floorToHour(now() - grace),
    late: (asOf) => now() - asOf > LATEST + Math.max(grace, 60_000 * options.deadlineMinutes),
    deadline: (asOf) => asOf + 60_000 * options.deadlineMinutes,
  }
}

/**
 * History played as if it happened now: an hour takes `pace` seconds.
 *
 * @param range hours to be played, half-open.
 */
export function replayClock(
  now: () => number,
  range: { readonly from: number; readonly to: number },
  pace: number,
): RoundClock {
  return {
    now,
    due(last) {
      const next = last === undefined ? range.from : last.asOf + HOUR
      if (next >= range.to) return undefined
      if (last !== undefined && now() - last.startedAt < 1000 * pace) return undefined
      return next
    },
    late: () => false,
    // What is not there yet in a file will not come.
    deadline: () => Number.NEGATIVE_INFINITY,
  }
}
