import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTimestamp } from '#cli/config/timestamp.ts'
import { floorToHour } from '#data/bars.ts'

describe('a timestamp', () => {
  test.each([
    ['2024-09-05', '2024-09-05T00:00:00Z'],
    ['2024-09-05T12:00', '2024-09-05T12:00:00Z'],
    ['2024-09-05 12:00', '2024-09-05T12:00:00Z'],
    ['2024-09-05T12:00:00.000Z', '2024-09-05T12:00:00Z'],
    ['2024-09-05T12:00+02:00', '2024-09-05T10:00:00Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z'],
  ])('%s is %s', (text, instant) => {
    expect(parseTimestamp(text)).toBe(Date.parse(instant))
  })

  test.each([
    '',
    'yesterday',
    '2023-02-29',
    '2024-13-01',
    '2024-9-5',
    '2024-09-05T12:30',
    '2024-09-05T25:00',
    '1725494400000',
  ])('%j is none', (text) => {
    expect(parseTimestamp(text)).toBeUndefined()
  })

  test('is read back from what Date writes for any full hour', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), (date) => {
        const hour = floorToHour(date.getTime())
        expect(parseTimestamp(new Date(hour).toISOString())).toBe(hour)
      }),
    )
  })
})
