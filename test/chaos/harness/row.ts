import { expect, it } from 'vitest'

/** Short: seconds, with every test run. Long: what the promise says, with `npm run chaos`. */
export type Scale = 'short' | 'long'
export const SCALE: Scale = process.env.MILLRACE_CHAOS === 'long' ? 'long' : 'short'

/** One row of the table of faults, as `table.ts` prints it. */
export interface ChaosRow {
  readonly fault: string
  /** What was done, in words. */
  readonly done: string
  readonly figures: Readonly<Record<string, number | string>>
  /** Promises that were not held, in words. */
  readonly broken: readonly string[]
}

/** Where a test of a fault writes down what it did and saw. */
export interface RowNotes {
  readonly scale: Scale
  /** The short form's value, or the long form's. */
  pick<T>(short: T, long: T): T
  done(words: string): void
  figure(name: string, value: number | string): void
  /** Notes a promise that was not held; the test fails at its end, with all of them. */
  promise(words: string, held: boolean, seen?: unknown): void
}

declare module 'vitest' {
  interface TaskMeta {
    chaos?: ChaosRow
  }
}

const LIMITS: Record<Scale, number> = { short: 60_000, long: 6 * 3_600_000 }

/**
 * A test of one fault. What `play` notes becomes a row of the table that `npm run chaos` ends with.
 *
 * @param cannot why this machine cannot play it; then the test is skipped, which CI counts as a failure
 */
export function chaos(fault: string, play: (row: RowNotes) => Promise<void>, cannot?: string): void {
  it.skipIf(cannot !== undefined)(
    cannot ? `${fault} (${cannot})` : fault,
    { timeout: LIMITS[SCALE] },
    async ({ task }) => {
      let done = ''
      const figures: Record<string, number | string> = {}
      const broken: string[] = []
      task.meta.chaos = { fault, done, figures, broken }
      const started = performance.now()
      const note = () => {
        task.meta.chaos = { fault, done, figures, broken }
      }
      try {
        await play({
          scale: SCALE,
          pick: (short, long) => (SCALE === 'short' ? short : long),
          done(words) {
            done = words
            note()
          },
          figure(name, value) {
            figures[name] = typeof value === 'number' ? Math.round(value * 100) / 100 : value
          },
          promise(words, held, seen) {
            if (!held) broken.push(seen === undefined ? words : `${words}: ${JSON.stringify(seen)}`)
          },
        })
      } finally {
        figures.seconds = Math.round((performance.now() - started) / 100) / 10
        note()
      }
      expect(broken).toEqual([])
    },
  )
}
