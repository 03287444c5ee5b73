/** How far the clock on the wall may leave the one that only goes forward before it counts as a jump, milliseconds. */
const JUMP = 60_000

/** Tells when the clock on the wall was set. */
export interface ClockWatch {
  /** How far it jumped since the last call, milliseconds; 0: not at all. Forward is positive. */
  look(): number
}

/**
 * Compares the clock on the wall with one that nobody can set. A machine that slept shows a jump forward as well: its
 * rounds were missed either way.
 *
 * @param now UTC milliseconds
 * @param steady milliseconds since any moment, `performance.now`
 */
export function watchClock(now: () => number, steady: () => number): ClockWatch {
  let apart = now() - steady()
  return {
    look() {
      const difference = now() - steady()
      const jump = difference - apart
      apart = difference
      return Math.abs(jump) > JUMP ? Math.round(jump) : 0
    },
  }
}
