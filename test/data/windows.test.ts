import { describe, expect, it } from 'vitest'
import { computeFeatures, FEATURES } from '#data/features.ts'
import { buildWindows, sliceWindows, windowRows } from '#data/windows.ts'
import { randomBars } from '../markets.ts'

const table = computeFeatures(randomBars(3, 300, (hour) => hour === 250))

describe('windowRows', () => {
  it('begins when the first knot is past the warm-up', () => {
    expect(windowRows(table, 16)[0]).toBe(168 + 15)
  })

  it('leaves out windows stretched over too long a gap', () => {
    const torn = computeFeatures(randomBars(3, 400, (hour) => hour >= 250 && hour < 284))
    const rows = windowRows(torn, 16)
    const across = Array.from(rows).filter((row) => torn.asOf[row] - torn.asOf[row - 15] > 30 * 3_600_000)
    expect(across).toEqual([])
    expect(rows.at(-1)).toBe(365)
  })
})

describe('the longest window', () => {
  it.each([
    [15, true],
    [16, false],
  ])('with %d hours absent among 16 knots is taken: %s', (absent, taken) => {
    // Sixteen knots span 15 hours when whole, and may span 30.
    const torn = computeFeatures(randomBars(3, 400, (hour) => hour >= 250 && hour < 250 + absent))
    expect(torn.asOf[257] - torn.asOf[257 - 15]).toBe((15 + absent) * 3_600_000)
    expect(Array.from(windowRows(torn, 16)).includes(257)).toBe(taken)
  })
})

describe('buildWindows', () => {
  const channels = ['funding', 'return']
  const windows = buildWindows(
    [
      { table, row: 200 },
      { table, row: 255 },
    ],
    16,
    channels,
  )

  it('carries the last knots of the channels asked for, in their order', () => {
    for (let knot = 0; knot < 16; knot++) {
      const row = 200 - 15 + knot
      expect(windows.features[knot * 2]).toBe(table.values[row * FEATURES.length + 3])
      expect(windows.features[knot * 2 + 1]).toBe(table.values[row * FEATURES.length])
    }
    expect(windows.asOf[0]).toBe(table.asOf[200])
    expect(windows.coin).toEqual(['BTC', 'BTC'])
  })

  it('measures hours from the first knot, over gaps too', () => {
    expect(Array.from(windows.hours.subarray(0, 16))).toEqual(Array.from({ length: 16 }, (_, i) => i))
    expect(windows.hours[31]).toBe(16)
  })

  it('masks what is missing and puts zero in its place', () => {
    const knotAfterGap = 250 - (255 - 15)
    const at = (16 + knotAfterGap) * 2 + 1
    expect(windows.mask[at]).toBe(0)
    expect(windows.features[at]).toBe(0)
    expect(windows.mask[at - 1]).toBe(1)
  })

  it('takes a zero that was observed for an observation', () => {
    const bars = randomBars(3, 200)
    bars.funding[190] = 0
    const still = computeFeatures(bars)
    expect(buildWindows([{ table: still, row: 190 }], 1, ['funding'])).toMatchObject({
      features: Float32Array.of(0),
      mask: Float32Array.of(1),
    })
  })

  it('slices into views', () => {
    const second = sliceWindows(windows, 1, 2)
    expect(second.features).toEqual(windows.features.slice(32))
    expect(second.features.buffer).toBe(windows.features.buffer)
    expect(second.asOf[0]).toBe(table.asOf[255])
  })

  it('says what is wrong with an end that has no past, and with an unknown channel', () => {
    expect(() => buildWindows([{ table, row: 3 }], 16, channels)).toThrow(/BTC: no window of 16 knots ends at row 3/)
    expect(() => buildWindows([{ table, row: 200 }], 16, ['sentiment'])).toThrow(/needs the channel "sentiment"/)
  })
})
