import { MillraceError } from '#data/errors.ts'
import type { ProgressListener } from '#data/progress.ts'
import { canonicalJson } from './canonical-json.ts'
import { chainHash, GENESIS } from './chain.ts'
import type { LedgerEvent } from './events.ts'
import type { IntegrityFinding } from './integrity-finding.ts'
import { createWatch, objectionTo, type RateLookup, type Watch } from './integrity-rules.ts'
import type { LedgerStore } from './journal.ts'
import { openSqliteLedger, type SqliteLedger } from './sqlite-ledger.ts'
import { applyEvent, createLedgerState, type LedgerState } from './state.ts'
import { differenceToViews, isSqliteLedger, readViews } from './views.ts'

export interface IntegrityOptions {
  /** Compares the rates of funding with market data. */
  readonly rates?: RateLookup
  readonly progress?: ProgressListener
  readonly signal?: AbortSignal
}

export interface IntegrityReport {
  /** Events and hours that were found in order. */
  readonly events: number
  readonly hours: number
  /** Hash of the last event that was in order, hexadecimal: noted elsewhere, it tells a ledger that was written anew. */
  readonly head: string
  /** The first thing that is wrong; absent where nothing is. */
  readonly broken?: IntegrityFinding
}

const EVENTS_BETWEEN_REPORTS = 5000

/**
 * Walks through a ledger from its first event and stops at the first that is wrong: the chain, the order, what the reducer
 * accepts, every amount, every hour's equity, marks and funding of what is held, the stories, and at the end whether SQL
 * comes to the same account. A store in memory has no chain and no views.
 *
 * @param source a store, or the path of a ledger, which is opened for reading: its writer may go on.
 * @throws {InputError} where there is no ledger; {UnavailableError} where it is locked.
 */
export function checkIntegrity(source: LedgerStore | string, options: IntegrityOptions = {}): IntegrityReport {
  if (typeof source !== 'string')
    return isSqliteLedger(source) ? checkSqlite(source, options) : checkEvents(source, options)
  let ledger: SqliteLedger
  try {
    ledger = openSqliteLedger(source, { readOnly: true })
  } catch (error) {
    return { events: 0, hours: 0, head: hex(GENESIS), broken: ofFile(error) }
  }
  try {
    return checkSqlite(ledger, options)
  } finally {
    ledger.close()
  }
}

function checkEvents(store: LedgerStore, options: IntegrityOptions): IntegrityReport {
  const walk = beginWalk(createWatch(store.stories, options.rates))
  for (const event of store.events()) {
    options.signal?.throwIfAborted()
    const broken = step(walk, event)
    if (broken !== undefined) return { ...reportOf(walk), broken }
  }
  return reportOf(walk)
}

function checkSqlite(ledger: SqliteLedger, options: IntegrityOptions): IntegrityReport {
  const walk = beginWalk(createWatch(ledger.stories, options.rates))
  // One view of the file from the first row to the sums at the end, whatever a writer adds meanwhile.
  ledger.read((database) => database.exec('BEGIN'))
  try {
    const broken = checkRows(ledger, walk, options) ?? checkEnd(ledger, walk) ?? checkViews(ledger, walk.state)
    return { ...reportOf(walk), ...(broken && { broken }) }
  } catch (error) {
    return { ...reportOf(walk), broken: ofFile(error) }
  } finally {
    ledger.read((database) => database.exec('COMMIT'))
  }
}

/** Walks on through the events that lie behind the last one that was walked through. */
export function checkRows(ledger: SqliteLedger, walk: Walk, options: IntegrityOptions): IntegrityFinding | undefined {
  const total = count(ledger, 'SELECT count(*) AS count FROM events')
  for (const { number, body, previous, hash } of ledger.rows(walk.state.events)) {
    const due = walk.state.events + 1
    if (number % EVENTS_BETWEEN_REPORTS === 0) {
      options.signal?.throwIfAborted()
      options.progress?.({ stage: 'integrity', done: due, total })
    }
    if (number !== due) return finding('chain', due, null, null, `event ${due} is missing: ${number} follows`)
    const event = parse(body)
    const [kind, time] = [event?.kind ?? null, event?.time ?? null]
    if (Buffer.compare(previous, walk.head) !== 0) {
      return finding('chain', number, kind, time, 'it does not follow the event before it: one of them was changed')
    }
    if (Buffer.compare(hash, chainHash(walk.head, body)) !== 0) {
      return finding('chain', number, kind, time, 'it is not what was written: its hash is another')
    }
    if (event === undefined) return finding('chain', number, null, null, 'it is no canonical JSON of a known kind')
    const broken = step(walk, event)
    if (broken !== undefined) return broken
    walk.head = hash
  }
  options.progress?.({ stage: 'integrity', done: total, total })
  return undefined
}

/** What only the whole file can tell: whether its end was cut off, stories without a round, pages that are damaged. */
function checkEnd(ledger: SqliteLedger, { state }: Walk): IntegrityFinding | undefined {
  const written = count(ledger, "SELECT coalesce(max(seq), 0) AS count FROM sqlite_sequence WHERE name = 'events'")
  if (written > state.events) {
    const number = state.events + 1
    return finding('chain', number, null, null, `events ${number} to ${written} were written and are missing`)
  }
  const orphan = ledger.read((database) =>
    database
      .prepare("SELECT as_of FROM rounds WHERE as_of NOT IN (SELECT time FROM events WHERE kind = 'round') LIMIT 1")
      .get(),
  ) as { as_of: number } | undefined
  if (orphan !== undefined) {
    return finding('stories', null, null, orphan.as_of, 'stories are there, the event of their round is not')
  }
  const check = ledger.read((database) => database.prepare('PRAGMA integrity_check(1)').get())
  const { integrity_check: said } = check as { integrity_check: string }
  return said === 'ok' ? undefined : finding('file', null, null, null, `SQLite: ${said}`)
}

/** Whether SQL and the reducer come to the same positions, results and balances. */
export function checkViews(ledger: SqliteLedger, { account, events, time }: LedgerState): IntegrityFinding | undefined {
  if (events === 0) return undefined
  const difference = differenceToViews(account, readViews(ledger))
  return difference === undefined ? undefined : finding('views', null, null, time, difference)
}

/** How far a check has come. */
export interface Walk {
  readonly state: LedgerState
  readonly watch: Watch
  head: Uint8Array
}

export function beginWalk(watch: Watch): Walk {
  return { state: createLedgerState(), watch, head: GENESIS }
}

function step({ state, watch }: Walk, event: LedgerEvent): IntegrityFinding | undefined {
  const number = state.events + 1
  try {
    const wrong = objectionTo(state, event, watch)
    if (wrong !== undefined) return finding(wrong.check, number, event.kind, event.time, wrong.message)
    applyEvent(state, event)
    return undefined
  } catch (error) {
    // An event that lacks a field, or has text for a number, fails in ways nobody foresaw: it is a finding all the same.
    const words = error instanceof Error ? error.message : String(error)
    return finding('reducer', number, event.kind, event.time, words)
  }
}

export function reportOf({ state, head }: Walk): IntegrityReport {
  return { events: state.events, hours: state.history.hours.length, head: hex(head) }
}

const KINDS: Readonly<Record<LedgerEvent['kind'], true>> = {
  deposit: true,
  settings: true,
  intent: true,
  order: true,
  fill: true,
  funding: true,
  mark: true,
  leverage: true,
  transfer: true,
  liquidation: true,
  renewal: true,
  round: true,
  hour: true,
  protection: true,
  weights: true,
  graduation: true,
}

/** @returns undefined for what is no canonical JSON of an event. */
function parse(body: string): LedgerEvent | undefined {
  try {
    const event = JSON.parse(body) as LedgerEvent
    return event.kind in KINDS && canonicalJson(event) === body ? event : undefined
  } catch {
    return undefined
  }
}

function finding(
  check: IntegrityFinding['check'],
  number: number | null,
  kind: IntegrityFinding['kind'],
  time: number | null,
  message: string,
): IntegrityFinding {
  return { check, number, kind, time, message }
}

/** A file that SQLite cannot read is a finding; that there is none, or that it is locked, is not. */
function ofFile(error: unknown): IntegrityFinding {
  if (error instanceof MillraceError && error.action === 'fail-closed') {
    return finding('file', null, null, null, error.message)
  }
  throw error
}

function count(ledger: SqliteLedger, query: string): number {
  return (ledger.read((database) => database.prepare(query).get()) as { count: number }).count
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
