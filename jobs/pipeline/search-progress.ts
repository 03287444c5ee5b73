import type { Progress, ProgressListener } from '#data/progress.ts'
import type { Study } from '#training/search/study.ts'
import { bestTrial, type Direction } from '#training/search/trial.ts'

/** Turns what a study and its trials report into one bar: trials ended of all, with the best so far. */
export function searchProgress(total: number, direction: Direction, listener: ProgressListener) {
  /** Done of each running trial. */
  const shares = new Map<number, number>()
  let ended = 0
  let best = 'no result yet'
  const report = (note = '') => {
    const parts = [...shares.values()].reduce((sum, share) => sum + share, 0)
    // Trials in hand never make the bar full.
    const done = Math.min(ended + Math.floor(parts * 10) / 10, ended === total ? total : total - 0.1)
    listener({ stage: 'search', done, total, note: [best, note].filter((words) => words !== '').join('; ') })
  }
  return {
    ofStudy({ trials }: Study) {
      const running = new Set(trials.filter(({ state }) => state === 'running').map(({ number }) => number))
      for (const number of shares.keys()) if (!running.has(number)) shares.delete(number)
      for (const number of running) if (!shares.has(number)) shares.set(number, 0)
      ended = trials.length - running.size
      const leader = bestTrial(trials, direction)
      if (leader) best = `best ${leader.value!.toFixed(4)} (trial ${leader.number})`
      report()
    },
    ofTrial(number: number, { done, total: steps, note }: Progress) {
      // The last words of a trial may come after its result.
      if (!shares.has(number)) return
      shares.set(number, steps > 0 ? Math.min(0.99, done / steps) : 0)
      report(note ? `trial ${number}: ${note}` : '')
    },
  }
}
