import { FatalError } from '#data/errors.ts'
import type { ServedKind } from '#models/regime.ts'
import type { DatasetRequest } from '#training/history.ts'
import type { TrainingResult } from '#training/train.ts'
import type { Verdict } from '#training/verdict.ts'
import type { ResolvedSource } from '../pipeline/source.ts'
import type { VersionIds } from '../pipeline/versions.ts'
import type { FleetRecords } from '../records.ts'
import type { RetrainingStep } from './flow.ts'

/** What each step leaves for those after it: plain JSON. */
export interface StepResults {
  readonly refresh: {
    readonly source: ResolvedSource
    readonly dataset: DatasetRequest
    /** End of the newest bar of any coin, UTC milliseconds. */
    readonly newest: number
    readonly degraded: readonly string[]
  }
  /** What the models come from. */
  readonly dataset: {
    /** What the trainings are asked to load: the same, or a copy of it that other machines can get. */
    readonly dataset: DatasetRequest
    /** SHA-256 over all bars. */
    readonly hash: string
    readonly origin: string
    readonly coins: readonly string[]
    /** Opening times of the first and the last bar, UTC milliseconds, and how many there are. */
    readonly hours: { readonly from: number; readonly to: number; readonly bars: number }
  }
  readonly train: {
    /** The best seed of each kind. */
    readonly challengers: Partial<Record<ServedKind, Challenger>>
    /** Why a training has no model, one sentence each. */
    readonly failures: readonly string[]
    readonly degraded: readonly string[]
  }
  readonly evaluate: {
    /** The versions that the verdict is on: challengers, or champions in the place of those that fell short. */
    readonly field: VersionIds
    readonly verdict: Pick<Verdict, 'ship' | 'fallback' | 'sentence'> & { readonly id: string }
    /** What could not be compared, and why. */
    readonly remarks: readonly string[]
  } | null
  readonly export: {
    /** Why a version that was to be promoted must not be, by kind. */
    readonly failures: Partial<Record<ServedKind, string>>
  }
  readonly promote: { readonly ok: boolean; readonly words: string; readonly promoted: readonly string[] }
}

/** A new version that may follow a champion. */
export interface Challenger extends Pick<TrainingResult, 'id' | 'validation' | 'maxAbsDiff'> {
  readonly kind: ServedKind
  readonly seed: number
  /** Why it must not serve whatever a verdict says, in words that follow "it". */
  readonly flaw?: string
}

/** What must not come about twice, beside the ends of steps. */
export type Milestone = 'judging' | 'trainings added'

/** How far a retraining has come. It outlives the process and the broker. */
export interface RetrainingProgress {
  /** UTC milliseconds. */
  readonly startedAt: number
  /** When this came about for the first time, UTC milliseconds: now, or before a crash. */
  since(what: Milestone): number
  /** Whether it has come about. */
  reached(what: Milestone): boolean
  /** What a step has left; undefined before it has ended. */
  result<Step extends RetrainingStep>(step: Step): StepResults[Step] | undefined
  /** The same of a step that must have ended. @throws {FatalError} where it is not known */
  needed<Step extends RetrainingStep>(step: Step): StepResults[Step]
  keep<Step extends RetrainingStep>(step: Step, result: StepResults[Step]): void
  /** Forgets all but what came of it in the end. */
  forget(): void
}

interface Note {
  readonly startedAt: number
  readonly milestones: Partial<Record<Milestone, number>>
  readonly results: Partial<StepResults>
}

/** Opens what is known of the retraining `flow`; one that is new begins now. */
export function openProgress(records: FleetRecords, flow: string, now: () => number): RetrainingProgress {
  const name = `retraining ${flow}`
  const known = records.note(name)
  let note: Note = known === undefined ? { startedAt: now(), milestones: {}, results: {} } : JSON.parse(known)
  const write = (next: Note) => {
    records.putNote(name, JSON.stringify(next))
    note = next
  }
  if (known === undefined) write(note)

  return {
    startedAt: note.startedAt,
    since(what) {
      const before = note.milestones[what]
      if (before !== undefined) return before
      const time = now()
      write({ ...note, milestones: { ...note.milestones, [what]: time } })
      return time
    },
    reached: (what) => note.milestones[what] !== undefined,
    result: (step) => note.results[step],
    needed(step) {
      const result = note.results[step]
      if (result !== undefined) return result
      const words = `nothing is known of the step ${step} of ${flow}: were the records in ${records.path} removed?`
      throw new FatalError(`${words} Run the retraining anew: millrace schedule run-now daily`, { flow, step })
    },
    keep: (step, result) => write({ ...note, results: { ...note.results, [step]: result } }),
    forget() {
      const { promote } = note.results
      write({ startedAt: note.startedAt, milestones: {}, results: promote ? { promote } : {} })
    },
  }
}
