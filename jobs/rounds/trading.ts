import { HOUR } from '#data/bars.ts'
import { MillraceError } from '#data/errors.ts'
import {
  decideHour,
  type FusedHour,
  fuseHour,
  type JudgedHour,
  judgeHour,
  liveThroughHour,
  scanHour,
  sendIntended,
  settleHour,
} from '#src/engine.ts'
import { isSignal } from '#src/scanners/scanner.ts'
import type { Phase } from '#src/wheel/round.ts'
import type { Snapshot } from '#src/wheel/snapshot.ts'
import type { RoundRecord } from '../records.ts'
import { graduate } from '../trading/graduate.ts'
import { checkApart } from '../trading/ledger-apart.ts'
import { snapshotOf, standing } from '../trading/trade-on.ts'
import { ratesOf, refuseBroken } from '../trading/whole-ledger.ts'
import type { RoundJob, RoundStep } from './flow.ts'
import type { KnownBars } from './markets.ts'
import type { RoundStepsOptions, StepAnswer } from './step.ts'
import type { Trader } from './trader.ts'

/** Name of the records' note on the last check of the ledger. */
export const INTEGRITY_NOTE = 'integrity'

type TradingStep = Exclude<RoundStep, 'refresh' | 'features' | 'infer'>

/** The steps of a round that know about money. */
export interface Trading {
  take(
    step: TradingStep,
    round: RoundJob,
    known: KnownBars,
    record: RoundRecord,
    signal?: AbortSignal,
  ): Promise<StepAnswer>
}

/**
 * Scan, settle, fuse, validate, wheel, ledger and integrity over the engine of paper trading. What is written is written
 * by `settle` (what happened), `wheel` (what was decided) and `ledger` (what the venue said), each once: the ledger knows
 * how far it is.
 */
export function createTrading(options: RoundStepsOptions): Trading {
  const { trader: keeper, records, logger } = options
  let fused: FusedHour | undefined
  let judged: JudgedHour | undefined

  const worldOf = ({ engine }: Trader, known: KnownBars, { model, degraded }: RoundRecord): Snapshot => {
    const { asOf, bars, instruments, flows } = known
    const estimates = new Map(records.estimates(asOf).map(({ coin, probabilities }) => [coin, probabilities]))
    const markets = bars.map((series) => ({ bars: series }))
    return snapshotOf(
      engine,
      { asOf, markets, instruments, ...(flows && { flows }) },
      {
        estimates,
        model: model ?? 'none',
        degraded,
      },
    )
  }
  const fusedAt = (trader: Trader, asOf: number, world: Snapshot, phase: Phase): FusedHour => {
    const { events } = trader.engine.journal.state
    if (fused?.asOf !== asOf || fused.events !== events) fused = fuseHour(trader.engine, asOf, world, phase)
    return fused
  }
  const judgedAt = (trader: Trader, asOf: number, world: Snapshot, phase: Phase): JudgedHour => {
    const before = fusedAt(trader, asOf, world, phase)
    if (judged?.asOf !== asOf || judged.events !== before.events) {
      judged = judgeHour(trader.engine, asOf, world, phase, before)
    }
    return judged
  }

  async function settle(trader: Trader, asOf: number, world: Snapshot, signal?: AbortSignal): Promise<StepAnswer> {
    const { engine } = trader
    const { state } = engine.journal
    if (state.advancedTo !== undefined && state.advancedTo >= asOf) return { already: true }
    const away: Phase = { mayOpen: false, closeAll: false, absent: true }
    let absent = 0
    if (state.advancedTo !== undefined) {
      // A round that failed after it had settled has left its hour half-way: what it lacks is made up for.
      await liveThroughHour(engine, state.advancedTo, world, away, signal)
      // Hours whose round failed or was left out: the venue went on, and nothing was decided.
      while (state.advancedTo + HOUR < asOf) {
        await liveThroughHour(engine, state.advancedTo + HOUR, world, away, signal)
        absent++
      }
    }
    await settleHour(engine, asOf, world, signal)
    return { absent, equity: standing(state).equity }
  }

  async function integrity(trader: Trader, known: KnownBars, signal?: AbortSignal): Promise<StepAnswer> {
    const { engine, ledger, follower } = trader
    const { asOf, bars, instruments } = known
    const report = follower.check({ rates: ratesOf(bars), ...(signal && { signal }) })
    const whole = (asOf / HOUR) % options.integrityHours === 0
    try {
      refuseBroken(report, ledger.path)
      if (whole) refuseBroken(await checkApart({ path: ledger.path, bars }, signal), ledger.path)
    } catch (error) {
      if (error instanceof MillraceError) noteIntegrity(false, error.message)
      throw error
    }
    noteIntegrity(true, `${report.events} events, head ${report.head}`)
    // A review that fails takes no step, and says nothing against the ledger.
    if (whole) {
      await graduate(engine.journal, ledger, { bars, instruments }, options.wheel, {
        logger,
        ...(signal && { signal }),
      })
    }
    return { events: report.events }
  }
  const noteIntegrity = (intact: boolean, words: string) =>
    records.putNote(INTEGRITY_NOTE, JSON.stringify({ intact, words, at: options.clock.now() }))

  return {
    take: (step, { asOf }, known, record, signal) =>
      keeper.use(async (trader): Promise<StepAnswer> => {
        const { engine } = trader
        const phase: Phase = { mayOpen: true, closeAll: false, absent: record.late }
        const world = worldOf(trader, known, record)
        if (step !== 'integrity' && step !== 'scan') refuseWhereBroken(records.note(INTEGRITY_NOTE))
        switch (step) {
          case 'scan': {
            const signals = scanHour(engine, asOf, world).flat().filter(isSignal)
            return { coins: world.listings.size, signals: signals.filter(({ direction }) => direction !== 0).length }
          }
          case 'settle':
            return settle(trader, asOf, world, signal)
          case 'fuse': {
            if (record.late) return { late: true }
            const { fusions } = fusedAt(trader, asOf, world, phase)
            return { opinions: [...fusions.values()].filter(({ direction }) => direction !== 0).length }
          }
          case 'validate': {
            if (record.late) return { late: true }
            const entries = [...judgedAt(trader, asOf, world, phase).entries.values()]
            const candidates = entries.filter(({ candidate }) => candidate)
            return {
              candidates: candidates.length,
              passed: candidates.filter(({ reasons }) => reasons.length === 0).length,
            }
          }
          case 'wheel': {
            const before = record.late ? undefined : judgedAt(trader, asOf, world, phase)
            const stories = decideHour(engine, asOf, world, phase, before)
            return { decided: stories.length, ...countActions(stories) }
          }
          case 'ledger': {
            await sendIntended(engine, asOf, world)
            const { equity, positions } = standing(engine.journal.state)
            return { equity, positions: positions.length, events: engine.journal.state.events }
          }
          case 'integrity':
            return integrity(trader, known, signal)
        }
      }),
  }
}

function countActions(stories: readonly { readonly action: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { action } of stories) counts[action] = (counts[action] ?? 0) + 1
  return counts
}

/** Nothing is traded on a ledger that was found broken, until a check of the whole has found it in order. */
function refuseWhereBroken(note: string | undefined): void {
  if (note === undefined) return
  const { intact, words } = JSON.parse(note) as { intact: boolean; words: string }
  if (intact) return
  throw new MillraceError('fail-closed', `the ledger is in doubt, nothing is traded: ${words}`)
}
