/** One step of long work: `done` of `total` units, with a few words on what is going on. */
export interface Progress {
  readonly stage: string
  readonly done: number
  readonly total: number
  readonly note?: string
}

/** Receives progress; what becomes of it (a bar, a line, a job update) is the caller's affair. */
export type ProgressListener = (progress: Progress) => void
