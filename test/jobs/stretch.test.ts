import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { FeatureTable } from '#data/features.ts'
import { encodeFloat64 } from '#jobs/encoding.ts'
import { inferJobSchema } from '#jobs/queues.ts'
import { packStretch, unpackStretch } from '#jobs/stretch.ts'
import { makeTable } from './tables.ts'

/** A table with hours missing and volatility unknown wherever chance puts it. */
const torn = fc
  .record({
    rows: fc.integer({ min: 1, max: 60 }),
    seed: fc.nat(),
    gaps: fc.array(fc.nat(59)),
    blind: fc.array(fc.nat(59)),
  })
  .map(({ rows, seed, gaps, blind }): FeatureTable => {
    const table = makeTable('BTC', rows, seed, 0)
    for (const row of gaps) for (let later = row; later < rows; later++) table.asOf[later] += (1 + (row % 3)) * HOUR
    for (const row of blind) if (row < rows) table.sigma[row] = Number.NaN
    return table
  })

describe('a stretch on its way through the broker', () => {
  it('arrives as it was, to the bit', () => {
    fc.assert(
      fc.property(torn, fc.nat(59), fc.nat(59), fc.nat(40), (table, a, b, history) => {
        const first = Math.min(a, table.asOf.length - 1)
        const end = Math.min(table.asOf.length, first + 1 + b)
        const item = JSON.parse(JSON.stringify(packStretch(table, first, end, history)))
        expect(inferJobSchema.parse({ round: 'r', batch: [item] }).batch).toEqual([item])
        const stretch = unpackStretch(item)
        const start = stretch.omitted
        expect(start).toBe(Math.max(0, first - history))
        expect(start + stretch.first).toBe(first)
        const width = table.channels.length
        expect(stretch.table).toEqual({
          coin: table.coin,
          channels: table.channels,
          asOf: table.asOf.slice(start, end),
          values: table.values.slice(start * width, end * width),
        })
        expect([...stretch.known]).toEqual(
          [...table.sigma.slice(start, end)].map((sigma) => Number(!Number.isNaN(sigma))),
        )
      }),
    )
  })

  it('of an earlier home is read as well', () => {
    fc.assert(
      fc.property(torn, (table) => {
        const { missing: _m, unknown: _u, from: _f, ...item } = packStretch(table, 0, table.asOf.length, 0)
        const earlier = { ...item, asOf: encodeFloat64(table.asOf), sigma: encodeFloat64(table.sigma) }
        expect(inferJobSchema.parse({ round: 'r', batch: [earlier] }).batch).toEqual([earlier])
        expect(unpackStretch(earlier)).toEqual(unpackStretch(packStretch(table, 0, table.asOf.length, 0)))
      }),
    )
    const { from: _, ...neither } = packStretch(makeTable('BTC', 10, 1, 0), 5, 10, 5)
    expect(() => unpackStretch(neither)).toThrow(/BTC: asOf holds 0 bytes, expected 80/)
  })

  it('carries a window without gaps in little more than its numbers', () => {
    const item = packStretch(makeTable('BTC', 30, 1, 0), 25, 26, 23)
    expect(item).not.toHaveProperty('missing')
    expect(item).not.toHaveProperty('unknown')
    expect(JSON.stringify({ ...item, rows: '' }).length).toBeLessThan(120)
  })

  it('is refused where it does not fit together', () => {
    const item = packStretch(makeTable('BTC', 10, 1, 0), 5, 10, 5)
    expect(() => unpackStretch({ ...item, rows: item.rows.slice(0, -8) })).toThrow(InputError)
    expect(() => unpackStretch({ ...item, rows: 'AAAA' })).toThrow(/BTC: rows holds 3 bytes, expected a multiple of 4/)
    expect(() => unpackStretch({ ...item, rows: 'AAAAAA==' })).toThrow(
      /BTC: rows holds 1 numbers, expected a multiple of 2/,
    )
    expect(() => unpackStretch({ ...item, first: 10 })).toThrow(/BTC: first is 10, there are 10 rows/)
    for (const hours of [0, -1, 0.5]) {
      expect(() => unpackStretch({ ...item, missing: [[3, hours]] })).toThrow(
        /BTC: asOf must ascend by full hours at row 3/,
      )
    }
  })
})
