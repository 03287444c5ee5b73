import { describe, expect, test } from 'vitest'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { CHANNELS, randomWindows, SCALING, smallArchitecture } from './cases.ts'

const architecture = smallArchitecture()
const windows = randomWindows(createRandom(1), 3, 6)

describe('a control path', () => {
  test('ends where its increments lead', () => {
    const path = controlPath(windows, architecture, SCALING)
    const end = Float32Array.from(path.initial)
    for (let step = 0; step < path.steps; step++) {
      for (let i = 0; i < end.length; i++) end[i] += path.increments[step * end.length + i]
    }
    expect(path.final).toEqual(end)
  })

  test('stands still where nothing is observed, but for time', () => {
    const blind = { ...windows, mask: new Float32Array(windows.mask.length) }
    const { initial, increments, final, channels, count } = controlPath(blind, architecture, SCALING)
    const isTime = (i: number) => i % channels === 0
    expect([...initial, ...increments, ...final].every((value, i) => isTime(i) || value === 0)).toBe(true)
    for (let n = 0; n < count; n++) expect(final[n * channels]).toBeCloseTo(windows.hours[n * 6 + 5] / 5, 6)
  })

  test('is not driven by its context, whose latest observation stands at the end', () => {
    const context = ['volatility', 'funding']
    const whole = controlPath(windows, smallArchitecture({ counted: ['return'] }), SCALING)
    const driven = controlPath(windows, smallArchitecture({ counted: ['return'], context }), SCALING)
    for (let i = 0; i < whole.final.length; i++) expect(driven.final[i]).toBeCloseTo(whole.final[i], 5)
    expect(driven.channels).toBe(whole.channels - context.length)
    // Time, return, return12, and the count of returns.
    const kept = [0, 1, 2, 5]
    const steps = whole.increments.length / whole.channels
    expect(driven.increments).toEqual(
      Float32Array.from({ length: steps * kept.length }, (_, i) => {
        const step = Math.floor(i / kept.length)
        return whole.increments[step * whole.channels + kept[i % kept.length]]
      }),
    )
  })

  test('is refused for windows or a scaling with other channels', () => {
    const turned = [...CHANNELS].reverse()
    const make = (change: 'windows' | 'scaling') => () =>
      controlPath(
        change === 'windows' ? { ...windows, channels: turned } : windows,
        architecture,
        change === 'scaling' ? { ...SCALING, channels: turned } : SCALING,
      )
    for (const change of ['windows', 'scaling'] as const) {
      expect(make(change)).toThrow(InputError)
      expect(make(change)).toThrow(`the ${change} have channels funding,volatility,return12,return`)
    }
  })
})
