import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GATE_NAMES, type GateName } from '#src/graduation/gates.ts'
import { approve, demote, goLive, nextGraduation, reset } from '#src/graduation/graduation.ts'
import type { GraduationEvent, GraduationState } from '#src/ledger/events.ts'
import { applyEvent, createLedgerState } from '#src/ledger/state.ts'
import { judged } from './judged.ts'

const command = { by: 'Ada', reason: 'looked at every trade', time: 7 }
const at = (graduation: GraduationState) => ({ graduation })
const STATES: GraduationState[] = ['paper', 'eligible', 'approved', 'live', 'demoted']

describe('what gates lead to', () => {
  it.each([
    ['paper', [], 'eligible'],
    ['paper', ['days'], undefined],
    ['paper', ['drawdown'], undefined],
    ['eligible', [], undefined],
    ['eligible', ['win rate'], 'paper'],
    ['eligible', ['win rate', 'integrity'], 'demoted'],
    ['approved', ['win rate'], undefined],
    ['approved', ['drawdown'], 'demoted'],
    ['live', ['sharpe', 'days', 'win rate', 'backtest distance'], undefined],
    ['live', ['drawdown'], 'demoted'],
    ['live', ['integrity'], 'demoted'],
    ['live', ['trailing sharpe'], 'demoted'],
    ['demoted', [], undefined],
    ['demoted', ['integrity'], undefined],
  ] as const)('from %s with %j failed to %s', (from, failed, to) => {
    expect(nextGraduation(at(from), judged(...failed), 5)?.to).toBe(to)
  })

  it('records who, why, and every gate with its figure', () => {
    expect(nextGraduation(at('live'), judged('drawdown'), 5)).toEqual({
      kind: 'graduation',
      time: 5,
      from: 'live',
      to: 'demoted',
      by: 'gates',
      reason: 'drawdown is 1, must be 2',
      evidence: Object.fromEntries(
        GATE_NAMES.map((name) => [name, `${name === 'drawdown' ? 'failed' : 'passed'}: 1 (2)`]),
      ),
    })
  })

  it('fails closed where a gate was not judged', () => {
    expect(() => nextGraduation(at('paper'), judged().slice(1), 5)).toThrow(/gates not judged: days/)
    expect(() => approve(at('eligible'), command, [])).toThrow(/gates not judged/)
  })
})

describe('what a person decides', () => {
  it('approves from eligible only', () => {
    for (const state of STATES) {
      const asked = () => approve(at(state), command, judged())
      if (state === 'eligible') expect(asked()).toMatchObject({ from: state, to: 'approved', ...command })
      else expect(asked).toThrow(expect.objectContaining({ action: 'fail-closed' }))
    }
  })

  it('does not approve what does not pass by now', () => {
    const asked = () => approve(at('eligible'), command, judged('win rate'))
    expect(asked).toThrow(
      expect.objectContaining({ action: 'fail-closed', message: expect.stringContaining('win rate') }),
    )
  })

  it.each(['', '  ', 'gates'])('does not take "%s" for a person', (by) => {
    for (const decide of [
      () => approve(at('eligible'), { ...command, by }, judged()),
      () => goLive(at('approved'), { ...command, by }),
      () => demote(at('live'), { ...command, by }),
      () => reset(at('demoted'), { ...command, by }),
    ]) {
      expect(decide).toThrow(expect.objectContaining({ action: 'fail-closed' }))
    }
  })

  it('wants a reason', () => {
    expect(() => approve(at('eligible'), { ...command, reason: ' ' }, judged())).toThrow(/does not say why/)
  })

  it('goes live from approved only, demotes what was granted, and resets what was demoted', () => {
    const outcome = (decide: () => GraduationEvent) => {
      try {
        return decide().to
      } catch (error) {
        return (error as { action: string }).action
      }
    }
    const refused = 'fail-closed'
    expect(STATES.map((state) => outcome(() => goLive(at(state), command)))).toEqual([
      refused,
      refused,
      'live',
      refused,
      refused,
    ])
    expect(STATES.map((state) => outcome(() => demote(at(state), command)))).toEqual([
      refused,
      'demoted',
      'demoted',
      'demoted',
      refused,
    ])
    expect(STATES.map((state) => outcome(() => reset(at(state), command)))).toEqual([
      refused,
      refused,
      refused,
      refused,
      'paper',
    ])
  })
})

describe('any walk of gates and commands', () => {
  const failures = fc.subarray([...GATE_NAMES] as GateName[])
  const gates = (failed: fc.Arbitrary<GateName[]>) => fc.record({ does: fc.constant('gates' as const), failed })
  const does = fc.constantFrom(
    'approve' as const,
    'approve' as const,
    'goLive' as const,
    'demote' as const,
    'reset' as const,
  )
  const step = fc.oneof(
    { weight: 4, arbitrary: gates(fc.constant([])) },
    { weight: 1, arbitrary: gates(failures) },
    { weight: 8, arbitrary: fc.record({ does, by: fc.constantFrom('Ada', 'Ada', 'Ada', 'gates', '') }) },
  )

  it('is never live without approval, never approved without eligibility, and approval is a person’s', () => {
    let reachedLive = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (walk) => {
        const state = createLedgerState()
        const events: GraduationEvent[] = []
        for (const [time, move] of walk.entries()) {
          let event: GraduationEvent | undefined
          try {
            if (move.does === 'gates') event = nextGraduation(state, judged(...move.failed), time)
            else {
              const by = { by: move.by, reason: 'so', time }
              if (move.does === 'approve') event = approve(state, by, judged())
              else event = { goLive, demote, reset }[move.does](state, by)
            }
          } catch (error) {
            expect(error).toMatchObject({ action: 'fail-closed' })
          }
          if (event === undefined) continue
          applyEvent(state, event)
          events.push(event)
          expect(state.graduation).toBe(event.to)
        }
        for (const [i, { to, by, from }] of events.entries()) {
          if (to === 'live') {
            reachedLive++
            expect(events[i - 1]).toMatchObject({ to: 'approved' })
          }
          if (to === 'approved') expect(events[i - 1]).toMatchObject({ to: 'eligible', by: 'gates' })
          if (to === 'approved' || to === 'live' || (from === 'demoted' && to === 'paper')) expect(by).toBe('Ada')
        }
        // The state is what the events lead to, and nothing else.
        const again = createLedgerState()
        for (const event of events) applyEvent(again, event)
        expect(again.graduation).toBe(state.graduation)
      }),
      { numRuns: 300, seed: 1 },
    )
    expect(reachedLive).toBeGreaterThan(10)
  })

  it('is refused by the ledger wherever a step was skipped or taken by nobody', () => {
    const step = (from: GraduationState, to: GraduationState, by: string) => () => {
      const state = { ...createLedgerState(), graduation: from }
      applyEvent(state, { kind: 'graduation', time: 1, from, to, by, reason: 'so', evidence: {} })
      return state.graduation
    }
    expect(step('paper', 'live', 'Ada')).toThrow(/nothing leads from paper to live/)
    expect(step('paper', 'approved', 'Ada')).toThrow(/nothing leads/)
    expect(step('eligible', 'live', 'Ada')).toThrow(/nothing leads/)
    expect(step('demoted', 'approved', 'Ada')).toThrow(/nothing leads/)
    expect(step('eligible', 'approved', 'gates')).toThrow(/only a person/)
    expect(step('approved', 'live', 'gates')).toThrow(/only a person/)
    expect(step('demoted', 'paper', 'gates')).toThrow(/only a person/)
    expect(step('paper', 'eligible', 'Ada')).toThrow(/only the gates/)
    expect(step('eligible', 'approved', 'Ada')()).toBe('approved')
  })
})
