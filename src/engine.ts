import { createHash } from 'node:crypto'
import { HOUR } from '#data/bars.ts'
import { MillraceError } from '#data/errors.ts'
import { checkIdentity, equityOf, exposureOf } from './account/account.ts'
import { toMicro } from './account/money.ts'
import type { Story } from './decision.ts'
import type { Fusion } from './fusion/fuse.ts'
import { learn, payoffs } from './fusion/learning.ts'
import type { Journal, RoundStories } from './ledger/journal.ts'
import type { WheelOptions } from './options.ts'
import { protectionsDue } from './protections/protections.ts'
import type { Scan } from './scanners/scanner.ts'
import type { Venue } from './venue/venue.ts'
import { decideRound } from './wheel/decide.ts'
import type { Entry } from './wheel/entry.ts'
import { beginRound, fuseOpinions, judge, type Phase, type Round } from './wheel/round.ts'
import type { ScanBook, Snapshot } from './wheel/snapshot.ts'

/** The one engine of research, backtest, paper and (later) live: only the venue, the clock and the store differ. */
export interface Engine {
  readonly journal: Journal
  readonly venue: Venue
  readonly book: ScanBook
  readonly options: WheelOptions
  /** False where nobody will ask: searches and variants keep no stories. */
  readonly keepStories: boolean
}

/** What one hour brought. */
export interface HourResult {
  readonly asOf: number
  /** Empty where the hour had been decided before. */
  readonly stories: readonly Story[]
}

/**
 * Lives through one full hour: the venue tells what happened up to `asOf`, protections and lessons are drawn, every coin
 * is decided upon, and the orders go out.
 *
 * Three steps, each durable before the next begins: what happened (ending with an `hour` event), what was decided (a
 * `round` event with the intents), and what the venue said to each order. A process that is killed anywhere goes on with
 * the first step that is not in the ledger; orders carry ids that follow from the decision, so an order that did go
 * out is not sent twice. Hours must follow each other.
 *
 * @throws {MillraceError} `fail-closed` where the account does not add up or an hour is left out.
 */
export async function liveThroughHour(
  engine: Engine,
  asOf: number,
  snapshot: Snapshot,
  phase: Phase,
  signal?: AbortSignal,
): Promise<HourResult> {
  await settleHour(engine, asOf, snapshot, signal)
  const stories = decideHour(engine, asOf, snapshot, phase)
  await sendIntended(engine, asOf, snapshot)
  return { asOf, stories }
}

/** First step of an hour: what happened up to it. Nothing where the ledger has it already. */
export async function settleHour(
  engine: Engine,
  asOf: number,
  snapshot: Snapshot,
  signal?: AbortSignal,
): Promise<void> {
  const { state } = engine.journal
  mustFollow(state.advancedTo, asOf)
  if (state.events === 0) begin(engine, asOf)
  if (state.advancedTo === undefined || state.advancedTo < asOf) await advance(engine, asOf, snapshot, signal)
}

/**
 * Second step: what is decided at the hour.
 *
 * @param judged what was judged beforehand (`judgeHour`); it is void where the ledger has gone on since.
 * @returns the stories; none where the hour had been decided before.
 */
export function decideHour(
  engine: Engine,
  asOf: number,
  snapshot: Snapshot,
  phase: Phase,
  judged?: JudgedHour,
): readonly Story[] {
  const { state } = engine.journal
  if (state.decidedAt !== undefined && state.decidedAt >= asOf) return []
  return decide(engine, asOf, snapshot, phase, judged?.events === state.events ? judged : undefined)
}

/** The scanners' opinions on every coin as one, with the weights that are in force at the hour. */
export interface FusedHour {
  readonly asOf: number
  /** How many events the ledger had. */
  readonly events: number
  /** Weights learned at this hour; undefined where there was nothing to learn. */
  readonly lesson: Readonly<Record<string, number>> | undefined
  readonly fusions: ReadonlyMap<string, Fusion>
}

/** And what an opening would be judged by. */
export interface JudgedHour extends FusedHour {
  readonly entries: ReadonlyMap<string, Entry>
}

/** Asks every scanner about every coin; the book remembers the answers. */
export function scanHour({ book }: Engine, asOf: number, { listings, market }: Snapshot): (readonly Scan[])[] {
  return [...listings.values()].map(({ bars }) => book.scans(bars, asOf, market))
}

/** Fuses the opinions on every coin. Nothing is recorded: the decision records the lesson. */
export function fuseHour(engine: Engine, asOf: number, snapshot: Snapshot, phase: Phase): FusedHour {
  const { journal, book } = engine
  const lesson = lessonOf(engine, asOf, snapshot)
  const round = roundOf(engine, asOf, snapshot, phase, lesson)
  const fusions = new Map<string, Fusion>()
  for (const [coin, listing] of snapshot.listings) {
    fusions.set(coin, fuseOpinions(round, listing, book.scans(listing.bars, asOf, snapshot.market)))
  }
  return { asOf, events: journal.state.events, lesson, fusions }
}

/** Judges an opening of every coin that is not held. Nothing is recorded. */
export function judgeHour(
  engine: Engine,
  asOf: number,
  snapshot: Snapshot,
  phase: Phase,
  fused: FusedHour,
): JudgedHour {
  const round = roundOf(engine, asOf, snapshot, phase, fused.lesson)
  const entries = new Map<string, Entry>()
  for (const [coin, listing] of snapshot.listings) {
    const scans = engine.book.scans(listing.bars, asOf, snapshot.market)
    entries.set(coin, judge(round, listing, scans, fused.fusions.get(coin)!))
  }
  return { ...fused, entries }
}

function roundOf(
  { journal, book, options }: Engine,
  asOf: number,
  snapshot: Snapshot,
  phase: Phase,
  lesson: FusedHour['lesson'],
): Round {
  return beginRound(journal.state, snapshot, book, asOf, phase, options, lesson ?? journal.state.weights)
}

function mustFollow(advancedTo: number | undefined, asOf: number): void {
  if (advancedTo === undefined || asOf === advancedTo || asOf === advancedTo + HOUR) return
  const words = (time: number) => new Date(time).toISOString()
  throw new MillraceError(
    'fail-closed',
    `the ledger ends at ${words(advancedTo)}: the next hour cannot be ${words(asOf)}`,
    { advancedTo, asOf },
  )
}

function begin({ journal, options }: Engine, time: number): void {
  journal.record({ kind: 'deposit', time, amount: toMicro(options.capitalDollars) })
  journal.commit()
}

async function advance(engine: Engine, asOf: number, snapshot: Snapshot, signal?: AbortSignal): Promise<void> {
  const { journal, venue } = engine
  const { account } = journal.state
  await venue.advance(journal, asOf, snapshot.listings, signal)
  checkIdentity(account)
  const { gross, net } = exposureOf(account)
  journal.record({ kind: 'hour', time: asOf, equity: equityOf(account), gross, net })
  journal.commit()
}

function decide(
  engine: Engine,
  asOf: number,
  snapshot: Snapshot,
  phase: Phase,
  judged: JudgedHour | undefined,
): readonly Story[] {
  const { journal, options, keepStories } = engine
  const { state } = journal
  if (phase.absent === true) {
    const nothing = { evaluated: 0, candidates: 0, stories: '', model: 'none', degraded: [ABSENT] }
    journal.record({ kind: 'round', time: asOf, ...nothing })
    journal.commit()
    return []
  }
  const lesson = judged === undefined ? lessonOf(engine, asOf, snapshot) : judged.lesson
  noteSettings(engine, asOf)
  for (const event of protectionsDue(state, asOf, options.protections)) journal.record(event)
  if (lesson !== undefined) journal.record({ kind: 'weights', time: asOf, weights: lesson })
  const round = roundOf(engine, asOf, snapshot, phase, lesson)
  for (const [coin, entry] of judged?.entries ?? []) round.judged.set(coin, entry)
  const { stories, renewals, intents } = decideRound(round)
  const told = keepStories ? roundStories(asOf, stories) : undefined
  journal.record({
    kind: 'round',
    time: asOf,
    evaluated: stories.length,
    candidates: stories.filter(({ action }) => action !== 'none' && action !== 'hold').length,
    stories: told === undefined ? '' : createHash('sha256').update(told.json).digest('hex'),
    model: snapshot.model,
    degraded: snapshot.degraded,
  })
  for (const event of renewals) journal.record(event)
  for (const event of intents) journal.record(event)
  journal.commit(told)
  return stories
}

const ABSENT = 'not running at this hour: positions were held and nothing was decided'

/** The settings in force stand in the ledger, and so does every change of them. */
function noteSettings({ journal, options }: Engine, time: number): void {
  const settings = JSON.stringify(options)
  const digest = createHash('sha256').update(settings).digest('hex')
  if (journal.state.settings !== digest) journal.record({ kind: 'settings', time, digest, settings })
}

/** Compares the opinions of `horizonHours` ago with what came of them. @returns weights; undefined: nothing to learn */
function lessonOf(
  { journal, book, options }: Engine,
  asOf: number,
  { listings, market }: Snapshot,
): FusedHour['lesson'] {
  const { learning, weights: configured } = options.fusion
  if (!learning.enabled) return undefined
  const then = asOf - learning.horizonHours * HOUR
  const scans = [...listings.values()].map(({ bars }) => book.scans(bars, then, market))
  const histories = new Map(market.bars.map((bars) => [bars.coin, bars]))
  const gained = payoffs(scans.flat(), histories, then, asOf)
  if (Object.keys(gained).length === 0) return undefined
  return learn(journal.state.weights ?? configured, gained, options.fusion)
}

/** Third step: orders whose intent is in the ledger and of which the venue has said nothing, new ones and those of a crash. */
export async function sendIntended({ journal, venue }: Engine, asOf: number, { listings }: Snapshot): Promise<void> {
  const intended = [...journal.state.openOrders.values()].filter(({ status }) => status === 'intended')
  for (const { intent } of intended) {
    await venue.submit(journal, intent.order, asOf, listings.get(intent.coin)!)
    journal.commit()
  }
}

/** Figures of a story are kept to seven digits: it is read by people, and the events have the exact ones. */
export function roundStories(asOf: number, stories: readonly Story[]): RoundStories {
  return { asOf, json: JSON.stringify(stories, shortNumbers) }
}

function shortNumbers(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : null
}
