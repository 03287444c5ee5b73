import { join } from 'node:path'
import { openDatabase } from '#data/database.ts'

/** How a round ended. */
export type RoundState = 'running' | 'done' | 'failed' | 'skipped'

/** What the fleet knows of the round of one full hour. */
export interface RoundRecord {
  readonly asOf: number
  readonly flow: string
  readonly state: RoundState
  /** UTC milliseconds. */
  readonly startedAt: number
  readonly endedAt: number | null
  /** The hour was over long since: nothing was opened. */
  readonly late: boolean
  readonly degraded: readonly string[]
  /** `kind id` or `none`; null until estimates are there. */
  readonly model: string | null
  /** End of the newest bar of any coin, UTC milliseconds. */
  readonly newestBar: number | null
  readonly coins: number
  readonly estimates: number
  readonly windows: number
  readonly inferSeconds: number
  /** Milliseconds of each step. */
  readonly steps: Readonly<Record<string, number>>
  /** Why it failed or was skipped. */
  readonly words: string | null
}

/** The regime of a coin at one full hour, and what it was made from. */
export interface EstimateRecord {
  readonly asOf: number
  readonly coin: string
  readonly flow: string
  /** The hour that the features belong to: `asOf`, or earlier where data were late. */
  readonly knownAt: number
  readonly probabilities: readonly [number, number, number]
  /** `kind id` */
  readonly model: string
  /** SHA-256 of the coin's bars and of the features that went into the window, hexadecimal. */
  readonly barsHash: string
  readonly featuresHash: string
}

/** What the fleet knows of a retraining. */
export interface RetrainingRecord {
  readonly flow: string
  readonly startedAt: number
  readonly endedAt: number | null
  readonly ok: boolean | null
  readonly words: string
  /** Champions that it made, `kind id`. */
  readonly promoted: readonly string[]
}

/** An alert by its key: what is wrong with whom. */
export interface AlertRecord {
  readonly key: string
  readonly firing: boolean
  readonly since: number
  /** When it was last delivered; null: never. */
  readonly sentAt: number | null
  readonly text: string
}

/**
 * What the fleet did, in SQLite: rounds, estimates with their lineage, retrainings, alerts. Money is in the ledger, not
 * here. Several processes of one machine may have it open.
 */
export interface FleetRecords {
  readonly path: string
  /** Begins a round; one that is known stays as it is. @returns whether it is new */
  beginRound(record: Pick<RoundRecord, 'asOf' | 'flow' | 'startedAt' | 'late'>): boolean
  /** Sets what is given of a round that began. */
  noteRound(asOf: number, known: Partial<Omit<RoundRecord, 'asOf' | 'flow' | 'startedAt'>>): void
  /** Writes down that a round was left out. */
  skipRound(record: Pick<RoundRecord, 'asOf' | 'flow' | 'startedAt'> & { readonly words: string }): void
  round(asOf: number): RoundRecord | undefined
  /** Newest first by asOf. */
  rounds(limit: number): RoundRecord[]
  countRounds(): {
    done: number
    degraded: number
    failed: number
    skipped: number
    running: number
    windows: number
    inferSeconds: number
  }
  /** Keeps estimates; what is known of a coin and hour already stays. @returns how many were new */
  addEstimates(estimates: readonly EstimateRecord[]): number
  estimates(asOf: number): EstimateRecord[]
  putRetraining(record: RetrainingRecord): void
  /** Newest first. */
  retrainings(limit: number): RetrainingRecord[]
  putAlert(record: AlertRecord): void
  alerts(): AlertRecord[]
  /** A word kept under a name: what must survive a restart and is nothing of the above. */
  note(name: string): string | undefined
  putNote(name: string, value: string): void
  /** Removes estimates of hours before this. */
  forget(before: number): void
  close(): void
}
