import { describe, expect, it } from 'vitest'
import { type CandidateMeasures, gatesOf, THRESHOLDS } from '#training/gates.ts'

const GOOD: CandidateMeasures = {
  candidate: 'cde',
  name: 'neural CDE (0.555)',
  overRule: { difference: 0.05, low: 0.02, high: 0.08 },
  overLogistic: { difference: 0.02, low: -0.01, high: 0.05 },
  overHmm: { difference: 0.01, low: -0.01, high: 0.03 },
  lastOverRule: { difference: 0.04, low: -0.01, high: 0.08 },
  leastOccupied: 0.2,
  churnPerDay: 4,
  labelChurnPerDay: 3,
  ece: 0.02,
  skill: 0.1,
  seedDeviation: 0.006,
  unanswered: 0,
}

describe('gatesOf', () => {
  it('passes what reaches every threshold, and says each figure', () => {
    const gates = gatesOf(GOOD)
    expect(gates).toHaveLength(10)
    for (const gate of gates) expect(gate, gate.detail).toMatchObject({ passed: true, candidate: 'cde' })
    expect(gates[0].detail).toContain('+0.050 [+0.020, +0.080]')
  })

  it.each([
    ['leads the hand rule', { overRule: { difference: 0.05, low: 0, high: 0.1 } }, 0],
    ['leads the hand rule on the last block', { lastOverRule: { difference: -0.001, low: -0.1, high: 0.1 } }, -0.001],
    ['leads the logistic regression', { overLogistic: { difference: 0.0049, low: 0, high: 0.1 } }, 0.0049],
    ['leads the HMM', { overHmm: { difference: 0, low: -0.1, high: 0.1 } }, 0],
    ['is not worse than the champion', { overChampion: { difference: -0.02, low: -0.04, high: -0.001 } }, -0.001],
    [
      'is not worse than the champion',
      { overChampion: { difference: -0.006, low: Number.NaN, high: Number.NaN } },
      -0.006,
    ],
    ['uses every regime', { leastOccupied: 0.099 }, 0.099],
    ['keeps its mind', { churnPerDay: 3.01 * THRESHOLDS.churn }, 1.0033 * THRESHOLDS.churn],
    ['is calibrated', { ece: THRESHOLDS.ece + 0.001 }, THRESHOLDS.ece + 0.001],
    ['knows more than frequencies', { skill: 0 }, 0],
    ['depends little on the seed', { seedDeviation: 0.021 }, 0.021],
    ['answers every hour', { unanswered: 1 }, 1],
  ] as const)('fails "%s" alone where only that is missed', (name, change, measured) => {
    const failed = gatesOf({ ...GOOD, ...change }).filter(({ passed }) => !passed)
    expect(failed.map((gate) => gate.name)).toEqual([name])
    expect(failed[0].measured).toBeCloseTo(measured, 3)
  })

  it('does not pass what could not be measured', () => {
    const unknown = { difference: 0.1, low: Number.NaN, high: Number.NaN }
    const failed = gatesOf({ ...GOOD, overRule: unknown, ece: Number.NaN }).filter(({ passed }) => !passed)
    expect(failed.map(({ name }) => name)).toEqual(['leads the hand rule', 'is calibrated'])
    expect(failed[0].detail).toContain('too few hours')
  })

  it('lets one that is as good as the champion follow it', () => {
    for (const overChampion of [
      { difference: -0.02, low: -0.05, high: 0 },
      { difference: -0.004, low: Number.NaN, high: Number.NaN },
    ]) {
      expect(gatesOf({ ...GOOD, overChampion }).filter(({ passed }) => !passed)).toEqual([])
    }
  })

  it('leaves out gates that an evaluation has no figures for', () => {
    const { overHmm, lastOverRule, ece, skill, seedDeviation, ...short } = GOOD
    expect(gatesOf(short)).toHaveLength(5)
  })
})
