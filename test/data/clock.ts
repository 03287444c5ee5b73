import type { Sleep } from '#data/weight-budget.ts'

/** A clock that moves only when somebody sleeps on it or sets it. */
export interface TestClock {
  now(): number
  set(time: number): void
  readonly sleep: Sleep
  /** Every sleep so far, milliseconds. */
  readonly slept: number[]
}

/** A {@link TestClock} that begins at `start`. */
export function createTestClock(start: number): TestClock {
  let time = start
  const slept: number[] = []
  return {
    now: () => time,
    set(next) {
      time = next
    },
    slept,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted()
      slept.push(milliseconds)
      time += milliseconds
    },
  }
}
