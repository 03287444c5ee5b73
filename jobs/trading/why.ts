import { floorToHour } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { Story } from '#src/decision.ts'
import type { IntentEvent, LedgerEvent } from '#src/ledger/events.ts'
import type { LedgerStore } from '#src/ledger/journal.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { findLedger } from './ledgers.ts'

export interface WhyRequest {
  readonly coin: string
  /** UTC milliseconds; the newest decision where absent. */
  readonly at?: number
  readonly ledger?: string
  readonly state: string
}

/** What `why` answers: one decision from bars to verdict, what came of it, and the position that it concerns. */
export interface WhyAnswer {
  readonly ledger: string
  readonly story: Story
  /** What the venue did with the order of this decision. */
  readonly outcome: readonly LedgerEvent[]
  /** The decision that opened the position held at that time, where one was held. */
  readonly openedBy?: Story
  /** Funding, renewals and fills of that position so far. */
  readonly position?: {
    readonly size: number
    readonly openedAt: number
    readonly holdUntil: number
    /** Micro-dollars. */
    readonly funding: number
    readonly fees: number
  }
  /** Protections of the coin or the portfolio that were in force. */
  readonly protections: readonly LedgerEvent[]
}

/**
 * Tells one decision about one coin.
 *
 * @throws {InputError} where there is no ledger, no round at the hour, or the coin was not looked at
 */
export async function why(request: WhyRequest): Promise<WhyAnswer> {
  const path = await findLedger(request.state, request.ledger)
  const store = openSqliteLedger(path, { readOnly: true })
  try {
    const events = [...store.events()]
    const asOf = roundAt(events, request.at)
    const story = storyOf(store, asOf, request.coin)
    const outcome = story.cloid === undefined ? [] : ofOrder(events, story.cloid)
    const opening = openingOf(events, request.coin, asOf)
    const openedBy = opening === undefined ? undefined : storyOf(store, opening.time, request.coin)
    return {
      ledger: path,
      story,
      outcome,
      ...(opening === undefined ? {} : { position: positionAt(events, opening, asOf) }),
      ...(openedBy === undefined || openedBy.asOf === asOf ? {} : { openedBy }),
      protections: events.filter(
        (event) =>
          event.kind === 'protection' &&
          event.time <= asOf &&
          (event.scope === '*' || event.scope === request.coin) &&
          (event.until === null || event.until > asOf),
      ),
    }
  } finally {
    store.close()
  }
}

/** asOf of the last round with decisions at or before `at`. */
function roundAt(events: readonly LedgerEvent[], at: number | undefined): number {
  const rounds = events.filter((event) => event.kind === 'round' && event.evaluated > 0)
  if (rounds.length === 0) throw new InputError('the ledger has no decision yet')
  const first = rounds[0].time
  const last = rounds[rounds.length - 1].time
  const hour = at === undefined ? last : floorToHour(at)
  const found = rounds.findLast(({ time }) => time <= hour)
  if (found === undefined || hour > last) {
    const words = (time: number) => new Date(time).toISOString()
    throw new InputError(`no decision at ${words(hour)}: the ledger has those from ${words(first)} to ${words(last)}`, {
      at: hour,
    })
  }
  return found.time
}

function storyOf(store: LedgerStore, asOf: number, coin: string): Story {
  const told = store.stories(asOf)
  const time = new Date(asOf).toISOString()
  if (told === undefined) throw new InputError(`the stories of ${time} were not kept`, { asOf })
  const stories = JSON.parse(told.json) as Story[]
  const story = stories.find((candidate) => candidate.coin === coin)
  if (story !== undefined) return story
  const coins = stories.map((candidate) => candidate.coin).join(' ')
  throw new InputError(`${coin} was not looked at at ${time}; these were: ${coins}`, { coin })
}

function ofOrder(events: readonly LedgerEvent[], cloid: string): LedgerEvent[] {
  return events.filter(
    (event) =>
      (event.kind === 'intent' && event.order.cloid === cloid) ||
      ((event.kind === 'order' || event.kind === 'fill') && event.cloid === cloid),
  )
}

/** The intent that opened the position held at `asOf`. */
function openingOf(events: readonly LedgerEvent[], coin: string, asOf: number): IntentEvent | undefined {
  const intents = new Map<string, IntentEvent>()
  let size = 0
  let opening: IntentEvent | undefined
  for (const event of events) {
    if (event.time > asOf || !('coin' in event) || event.coin !== coin) continue
    if (event.kind === 'intent') intents.set(event.order.cloid, event)
    if (event.kind !== 'fill') continue
    if (size === 0) opening = intents.get(event.cloid)
    size = Math.round((size + event.size) * 1e8) / 1e8
    if (size === 0) opening = undefined
  }
  return opening
}

function positionAt(events: readonly LedgerEvent[], opening: IntentEvent, asOf: number): WhyAnswer['position'] {
  let size = 0
  let funding = 0
  let fees = 0
  let openedAt = opening.time
  let holdUntil = 'opens' in opening.purpose ? opening.purpose.opens.holdUntil : opening.time
  for (const event of events) {
    if (event.time < opening.time || event.time > asOf || !('coin' in event) || event.coin !== opening.coin) continue
    if (event.kind === 'fill') {
      if (size === 0) openedAt = event.time
      size += event.size
      fees += event.fee
    } else if (event.kind === 'funding') funding += event.amount
    else if (event.kind === 'renewal') holdUntil = event.holdUntil
  }
  return { size: Math.round(size * 1e8) / 1e8, openedAt, holdUntil, funding, fees }
}
