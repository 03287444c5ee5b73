/** Measures how long the stages of a run take. */
export interface Stopwatch {
  time<T>(stage: string, work: () => Promise<T>): Promise<T>
  /** Seconds by stage so far, to the millisecond. */
  seconds(): Record<string, number>
}

/** A stopwatch with nothing measured yet. */
export function createStopwatch(): Stopwatch {
  const seconds: Record<string, number> = {}
  return {
    async time(stage, work) {
      const started = performance.now()
      try {
        return await work()
      } finally {
        seconds[stage] = Math.round(performance.now() - started) / 1000
      }
    },
    seconds: () => ({ ...seconds }),
  }
}
