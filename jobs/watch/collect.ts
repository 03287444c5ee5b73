import { z } from 'zod'
import { UnavailableError } from '#data/errors.ts'
import { isVersionId, timeOfVersion } from '#models/card.ts'
import { describeError } from '../failures.ts'
import type { FleetRecords, RoundRecord } from '../records.ts'
import type { BrokerLook } from './broker-look.ts'
import type { LedgerPeek } from './ledger-peek.ts'
import type { Roster } from './roster.ts'
import type { FleetStatus } from './status.ts'

/** Where a status comes from. */
export interface StatusSources {
  readonly brokerName: string
  /** See `broker-look.ts`. */
  readonly look: () => Promise<BrokerLook>
  readonly records: FleetRecords
  /** See `ledger-peek.ts`. */
  readonly ledger: () => Promise<LedgerPeek | undefined>
  readonly roster: Roster
  /** Rounds that should have ended by now and have not (`rounds/planner.ts`). */
  readonly due: () => number
  /** UTC milliseconds. */
  readonly now: () => number
  /** The time that data are compared with; `now` unless the source is replayed. */
  readonly dataTime?: () => number
}

/** A status is asked for by the health ends, metrics and alerts at once: one answer does for this long, milliseconds. */
const FRESH = 1000
/** Records that are read to find the newest that ended. */
const NEWEST = 48

/**
 * Puts together what is known of the fleet.
 *
 * @returns a function that never waits long and never throws for a broker that is gone: it says so instead. Questions
 *   at the same time share one answer.
 */
export function createStatusCollector(sources: StatusSources): () => Promise<FleetStatus> {
  let deadLetters = Number.NaN
  let known: { readonly at: number; readonly status: Promise<FleetStatus> } | undefined

  const collect = async (): Promise<FleetStatus> => {
    const { records, roster, now } = sources
    const looked = await sources.look().then(
      (look) => ({ look, words: undefined }),
      (error) => ({ look: undefined, words: describeError(error) }),
    )
    if (looked.look) {
      roster.observe(looked.look.remoteWorkers, looked.look.farewells)
      deadLetters = looked.look.queues.find(({ queue }) => queue === 'dead')?.waiting ?? Number.NaN
    }
    const at = now()
    const rounds = records.rounds(NEWEST)
    const counts = records.countRounds()
    const newestBar = rounds.find((round) => round.newestBar !== null)?.newestBar ?? null
    return {
      at,
      broker: {
        name: sources.brokerName,
        reachable: looked.look !== undefined,
        ...(looked.words !== undefined && { words: looked.words }),
      },
      queues: looked.look?.queues ?? [],
      workers: looked.look?.workers ?? [],
      lostWorkers: roster.lost(),
      schedules: looked.look?.schedules ?? [],
      round: newestEnded(rounds),
      rounds: {
        done: counts.done,
        degraded: counts.degraded,
        failed: counts.failed,
        skipped: counts.skipped,
        due: sources.due(),
      },
      serving: serving(rounds, at),
      data: {
        newest: newestBar,
        ageSeconds: newestBar === null ? null : Math.max(0, ((sources.dataTime ?? now)() - newestBar) / 1000),
      },
      retraining: newestRetraining(records),
      ledger: await ledgerStatus(sources),
      deadLetters,
      inferred: { windows: counts.windows, seconds: counts.inferSeconds },
    }
  }

  return () => {
    const at = performance.now()
    if (known === undefined || at - known.at > FRESH) {
      const status = collect()
      known = { at, status }
      status.catch(() => {
        known = undefined
      })
    }
    return known.status
  }
}

function newestEnded(rounds: readonly RoundRecord[]): FleetStatus['round'] {
  for (const { asOf, startedAt, endedAt, state, degraded } of rounds) {
    if (endedAt === null || state === 'running') continue
    return { asOf, endedAt, state, seconds: (endedAt - startedAt) / 1000, degraded }
  }
  return null
}

/** What `models/serving.ts` and `workers/infer.ts` say of a step down the ladder. */
const STEP_DOWN = /^degraded: the (champion|model that serves)/

/** What served in the newest round that got so far. The id of a version tells when it was made. */
function serving(rounds: readonly RoundRecord[], at: number): FleetStatus['serving'] {
  const newest = rounds.find((round) => round.model !== null)
  const model = newest?.model ?? 'none'
  const [kind, id] = model.split(' ')
  const age = id !== undefined && isVersionId(id) ? Math.max(0, (at - timeOfVersion(id)) / 1000) : null
  // An HMM that a verdict has shipped is no step down; one that stands in is said to.
  const stepped = newest?.degraded.some((words) => STEP_DOWN.test(words)) ?? false
  const state = kind === 'none' ? 'none' : stepped ? 'fallback' : 'healthy'
  return { state, model, modelAgeSeconds: age }
}

function newestRetraining(records: FleetRecords): FleetStatus['retraining'] {
  for (const { flow, endedAt, ok, words } of records.retrainings(NEWEST)) {
    if (endedAt !== null && ok !== null) return { flow, endedAt, ok, words }
  }
  return null
}

const integrityNote = z.object({ intact: z.boolean(), words: z.string().nullish() })

async function ledgerStatus({ ledger, records }: StatusSources): Promise<FleetStatus['ledger']> {
  const note = records.note('integrity')
  const checked = note === undefined ? undefined : integrityNote.parse(JSON.parse(note))
  const integrity = { intact: checked?.intact ?? null, words: checked?.words ?? null }
  try {
    const peek = await ledger()
    if (peek) return { ...peek, ...integrity }
    return checked?.intact === false ? { ...UNKNOWN, ...integrity } : null
  } catch (error) {
    // Its writer is at work: the next look will do.
    if (error instanceof UnavailableError) return { ...UNKNOWN, ...integrity }
    // Money fails closed: a ledger that cannot be read is in doubt, whatever the last check said.
    return { ...UNKNOWN, intact: false, words: describeError(error) }
  }
}

const UNKNOWN = { equity: Number.NaN, drawdown: Number.NaN, events: Number.NaN }
