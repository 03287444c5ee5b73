import { describe, expect, it } from 'vitest'
import { GATE_NAMES, type GateInput, graduationGates } from '#src/graduation/gates.ts'
import { GraduationOptions } from '#src/options/graduation.ts'

const options = GraduationOptions.parse({})
const good: GateInput = {
  days: 20,
  sharpe: 0.31,
  sharpeError: 4.2,
  drawdown: 0.249,
  winRate: 0.41,
  trailingSharpe: 0.01,
  integrity: { clean: true, figure: '480 hours, nothing found' },
  backtestDistance: 0.02,
}
const failed = (change: Partial<GateInput>) =>
  graduationGates({ ...good, ...change }, options)
    .filter(({ passed }) => !passed)
    .map(({ name }) => name)

describe('gates between paper and money', () => {
  it('pass just inside their thresholds, all of them judged', () => {
    const gates = graduationGates(good, options)
    expect(gates.map(({ name }) => name)).toEqual([...GATE_NAMES])
    expect(failed({})).toEqual([])
  })

  it.each([
    ['days', { days: 19.99 }],
    ['sharpe', { sharpe: 0.3 }],
    ['drawdown', { drawdown: 0.25 }],
    ['win rate', { winRate: 0.4 }],
    ['integrity', { integrity: { clean: false, figure: '1 finding' } }],
    ['backtest distance', { backtestDistance: 0.0201 }],
    ['trailing sharpe', { trailingSharpe: 0 }],
  ] as const)('%s fails at its threshold, and alone', (name, change) => {
    expect(failed(change)).toEqual([name])
  })

  it.each([
    ['sharpe', 'sharpe'],
    ['drawdown', 'drawdown'],
    ['win rate', 'winRate'],
    ['integrity', 'integrity'],
    ['backtest distance', 'backtestDistance'],
    ['trailing sharpe', 'trailingSharpe'],
  ] as const)('%s does not pass where it is not known, and says why', (name, key) => {
    const gates = graduationGates({ ...good, [key]: { unavailable: 'no hour was told' } }, options)
    const gate = gates.find((one) => one.name === name)!
    expect(gate).toMatchObject({ passed: false, figure: 'unavailable: no hour was told' })
    expect(gates.filter(({ passed }) => !passed)).toEqual([gate])
  })

  it('does not pass a number that is none', () => {
    expect(failed({ sharpe: Number.NaN, drawdown: Number.NaN, backtestDistance: Number.NaN })).toEqual([
      'sharpe',
      'drawdown',
      'backtest distance',
    ])
  })

  it('tells the Sharpe ratio with its error', () => {
    expect(graduationGates(good, options)[1]).toMatchObject({ figure: '0.31 +- 4.20', threshold: 'above 0.3' })
  })
})
