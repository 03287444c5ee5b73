import { describe, expect, it } from 'vitest'
import { computeFeatures } from '#data/features.ts'
import { centredLabels, forecastLabels, NO_LABEL } from '#training/labels.ts'
import { randomBars } from '../markets.ts'

describe('centredLabels', () => {
  const bars = randomBars(2, 400)
  const features = computeFeatures(bars)
  const labels = centredLabels(bars, features)

  it('follows the definition', () => {
    const { close } = bars
    for (let t = 180; t < 388; t++) {
      const a = Math.log(close[t] / close[t - 12])
      const b = Math.log(close[t + 12] / close[t])
      const m = (Math.abs(a) + Math.abs(b)) / (features.sigma[t] * Math.sqrt(12))
      expect(labels[t]).toBe(m < 1.05 ? 0 : a * b > 0 ? 1 : 2)
    }
  })

  it('has no label without twelve hours on both sides or without a scale', () => {
    expect(labels[167]).toBe(NO_LABEL)
    expect(labels[168]).not.toBe(NO_LABEL)
    expect(labels[387]).not.toBe(NO_LABEL)
    expect(labels[388]).toBe(NO_LABEL)
  })

  it('has no label where the bar twelve hours away is absent', () => {
    const torn = randomBars(2, 400, (hour) => hour === 300)
    const tornLabels = centredLabels(torn, computeFeatures(torn))
    expect(tornLabels[288]).toBe(NO_LABEL)
    expect(tornLabels[289]).not.toBe(NO_LABEL)
    expect(tornLabels[311]).toBe(NO_LABEL)
  })

  it('does not care which way up the market is', () => {
    const upsideDown = randomBars(2, 400)
    for (const column of ['open', 'high', 'low', 'close'] as const) {
      upsideDown[column].set(bars[column].map((price) => 10_000 / price))
    }
    expect(centredLabels(upsideDown, computeFeatures(upsideDown))).toEqual(labels)
  })
})

describe('forecastLabels', () => {
  it('follows the definition', () => {
    const bars = randomBars(4, 200)
    const labels = forecastLabels(bars)
    const { close } = bars
    for (let t = 24; t < 176; t++) {
      let path = 0
      for (let h = 1; h <= 24; h++) path += Math.abs(Math.log(close[t + h] / close[t + h - 1]))
      const next = Math.log(close[t + 24] / close[t])
      const last = Math.log(close[t] / close[t - 24])
      expect(labels[t]).toBe(Math.abs(next) / path < 0.16 ? 0 : next * last > 0 ? 1 : 2)
    }
    expect(labels[23]).toBe(NO_LABEL)
    expect(labels[176]).toBe(NO_LABEL)
  })
})
