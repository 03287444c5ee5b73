import { z } from 'zod'
import type { FleetRecords } from '../records.ts'

/** Which workers there are and which went without a farewell. */
export interface Roster {
  /**
   * Takes in who listens at this moment.
   *
   * @param present `pid@host` of the workers that listen
   * @param farewells when each of those that went of their own accord said so, UTC milliseconds
   */
  observe(present: Iterable<string>, farewells: ReadonlyMap<string, number>): void
  /** `pid@host` of those that are lost, those lost longest first. */
  lost(): string[]
}

/** A connection that is made anew after the broker was away takes a while, milliseconds. */
const GRACE = 30_000
/** How long a lost worker is remembered, milliseconds. */
const REMEMBERED = 24 * 3_600_000
/** Hosts that give every process a new name could fill the list. */
const MOST = 500
/** Name of the note in the records: a loss must not be forgotten because the home process starts anew. */
const NOTE = 'workers'

/** A farewell bears the time of its sender's clock, milliseconds. */
const SKEW = 600_000

const knownSchema = z.record(
  z.string(),
  z.object({
    firstSeen: z.number(),
    missingSince: z.number().nullable(),
    /** It said farewell and has not gone yet. */
    leaving: z.boolean(),
  }),
)
type Known = z.infer<typeof knownSchema>

/**
 * A worker is lost when it has not listened for half a minute and said no farewell, until a new one of the same host
 * takes its place, or for a day.
 */
export function createRoster(records: Pick<FleetRecords, 'note' | 'putNote'>, now: () => number): Roster {
  const known = new Map(Object.entries(readNote(records)))
  let written = JSON.stringify(Object.fromEntries(known))

  return {
    observe(present, farewells) {
      const time = now()
      const here = new Set(present)
      const arrived = [...here].filter((name) => !known.has(name))
      for (const [name, worker] of known) {
        // A process id is given again some day: an old farewell is not the new one's.
        const leaving = worker.leaving || (farewells.get(name) ?? -1) >= worker.firstSeen - SKEW
        if (here.has(name)) known.set(name, { ...worker, missingSince: null, leaving })
        else if (leaving) known.delete(name)
        else if (worker.missingSince === null) known.set(name, { ...worker, missingSince: time })
        else if (time - worker.missingSince > REMEMBERED) known.delete(name)
      }
      for (const name of arrived) {
        replaceLost(known, hostOf(name))
        known.set(name, { firstSeen: time, missingSince: null, leaving: false })
      }
      for (const name of [...known.keys()].slice(0, Math.max(0, known.size - MOST))) known.delete(name)
      const text = JSON.stringify(Object.fromEntries(known))
      if (text !== written) records.putNote(NOTE, text)
      written = text
    },
    lost() {
      const time = now()
      return [...known]
        .filter(([, { missingSince }]) => missingSince !== null && time - missingSince >= GRACE)
        .sort(([, a], [, b]) => a.missingSince! - b.missingSince!)
        .map(([name]) => name)
    },
  }
}

/** One newcomer makes up for one that is missing from its host, the one that is missing longest. */
function replaceLost(known: Map<string, Known[string]>, host: string): void {
  const missing = [...known]
    .filter(([name, { missingSince }]) => missingSince !== null && hostOf(name) === host)
    .sort(([, a], [, b]) => a.missingSince! - b.missingSince!)
  if (missing.length > 0) known.delete(missing[0][0])
}

function hostOf(name: string): string {
  return name.slice(name.indexOf('@') + 1)
}

function readNote(records: Pick<FleetRecords, 'note'>): Known {
  const text = records.note(NOTE)
  if (text === undefined) return {}
  const checked = knownSchema.safeParse(JSON.parse(text))
  return checked.success ? checked.data : {}
}
