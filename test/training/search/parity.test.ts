import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isHopeless, pruningBars } from '#training/search/median-pruner.ts'
import { parzenEstimator } from '#training/search/parzen.ts'
import type { Parameter } from '#training/search/space.ts'
import { goodTrials } from '#training/search/tpe.ts'
import type { Trial } from '#training/search/trial.ts'
import { logNormalMass, truncatedNormalQuantile } from '#training/search/truncated-normal.ts'

interface Fixture {
  readonly densities: { observed: Record<string, number[]>; asked: Record<string, number[]>; logDensity: number[] }[]
  readonly truncatedNormal: { from: number; to: number; logMass: number; quantiles: number[]; points: number[] }[]
  readonly splits: { trials: { state: 'complete' | 'pruned'; value?: number; curve: number[] }[]; good: number[] }[]
  readonly pruning: { curve: number[]; prunedAt: number }[]
}

const fixture = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/optuna.json'), 'utf8')) as Fixture

/** The space of `test/peers/tpe.py`. */
const SPACE: Record<string, Parameter> = {
  x: { kind: 'float', low: -5, high: 10 },
  rate: { kind: 'float', low: 1e-4, high: 1e-1, log: true },
  size: { kind: 'integer', low: 8, high: 64, step: 8 },
  depth: { kind: 'integer', low: 1, high: 128, log: true },
  kind: { kind: 'categorical', choices: ['a', 'b', 'c'] },
}

const rows = (columns: Record<string, number[]>) => {
  const all = Object.values(columns)
  return all[0].map((_, row) => all.map((column) => column[row]))
}

describe('in agreement with Optuna', () => {
  it.each(
    fixture.densities.map((density) => {
      const observations = Object.values(density.observed)
      return { ...density, names: Object.keys(density.observed), count: observations[0].length }
    }),
  )('density of $names over $count observations', ({ names, observed, asked, logDensity }) => {
    const estimator = parzenEstimator(
      names.map((name) => SPACE[name]),
      rows(observed),
    )
    for (const [i, point] of rows(asked).entries()) {
      expect(estimator.logDensity(point)).toBeCloseTo(logDensity[i], 9)
    }
  })

  it.each(fixture.truncatedNormal)('normal cut to $from .. $to', ({ from, to, logMass, quantiles, points }) => {
    expect(Math.abs(logNormalMass(from, to) / logMass - 1)).toBeLessThan(1e-9)
    for (const [i, share] of quantiles.entries()) {
      expect(Math.abs(truncatedNormalQuantile(share, from, to) - points[i])).toBeLessThan(
        1e-6 * Math.abs(points[i]) + 1e-9,
      )
    }
  })

  it.each(fixture.splits)('the good ones of $trials.length trials', ({ trials, good }) => {
    const all = trials.map((trial, number): Trial => ({ ...trial, number, parameters: {} }))
    const found = goodTrials(all, 'minimise').map(({ number }) => number)
    expect(found.sort((a, b) => a - b)).toEqual(good)
  })

  it('prunes the same trials at the same step', () => {
    const past: Trial[] = []
    for (const [number, { curve, prunedAt }] of fixture.pruning.entries()) {
      const bars = pruningBars(past, curve.length)
      const ended = curve.findIndex((_, i) => isHopeless(curve.slice(0, i + 1), bars, 'minimise')) + 1
      expect(ended, `trial ${number}`).toBe(prunedAt)
      const state = prunedAt > 0 ? 'pruned' : 'complete'
      past.push({ number, state, parameters: {}, curve: prunedAt > 0 ? curve.slice(0, prunedAt) : curve })
    }
    expect(fixture.pruning.some(({ prunedAt }) => prunedAt > 1)).toBe(true)
  })
})
