import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createFlowBook, type FlowBook, type Trade } from '#data/trades.ts'

const START = Date.UTC(2025, 0, 1)
const MINUTE = 60_000
const at = (hour: number, minutes = 0) => START + hour * HOUR + minutes * MINUTE

function trade(time: number, side: Trade['side'], size: number, id: number, coin = 'BTC'): Trade {
  return { coin, side, price: 100, size, time, id }
}

/** Rows of [hour, bought, sold]. */
function rows(book: FlowBook, time: number, coin = 'BTC'): number[][] {
  const { openTime, bought, sold } = book.series(coin, time)
  return Array.from(openTime, (open, i) => [(open - START) / HOUR, bought[i], sold[i]])
}

const unknown = [Number.NaN, Number.NaN]

describe('the flow book', () => {
  it('sums what takers bought and sold in each whole hour', () => {
    const book = createFlowBook()
    book.opened('BTC', at(0, 20))
    book.add([trade(at(0, 30), 'buy', 9, 1), trade(at(1, 0), 'buy', 2, 2)])
    book.add([trade(at(1, 59), 'sell', 3, 3), trade(at(1, 59), 'buy', 0.5, 4), trade(at(2, 0), 'sell', 7, 5)])
    book.heard(at(3, 1))
    // Hour 0 was subscribed in its middle; hour 3 is not over.
    expect(rows(book, at(3, 1))).toEqual([
      [0, ...unknown],
      [1, 2.5, 3],
      [2, 0, 7],
    ])
  })

  it('gives a whole hour without trades as zero, and an hour that is not over not at all', () => {
    const book = createFlowBook()
    book.opened('BTC', at(0))
    book.heard(at(2, 30))
    expect(rows(book, at(1) - 1)).toEqual([])
    expect(rows(book, at(2, 30))).toEqual([
      [0, 0, 0],
      [1, 0, 0],
    ])
    expect(book.series('ETH', at(5)).openTime).toHaveLength(0)
  })

  it('claims only what it heard: an hour is whole when the stream speaks after its end and the settling', () => {
    const book = createFlowBook({ settleMs: 2000 })
    book.opened('BTC', at(0))
    book.heard(at(1) + 1999)
    expect(rows(book, at(1, 1))).toEqual([[0, ...unknown]])
    book.heard(at(1) + 2000)
    expect(rows(book, at(1, 1))).toEqual([[0, 0, 0]])
  })

  it('does not cover an hour in which the stream broke, however short', () => {
    const book = createFlowBook()
    book.opened('BTC', at(0))
    book.heard(at(1, 10))
    book.broken('BTC')
    book.heard(at(1, 10))
    book.opened('BTC', at(1, 10))
    book.add([trade(at(1, 30), 'buy', 1, 1), trade(at(2, 30), 'buy', 4, 2)])
    book.heard(at(3, 1))
    expect(rows(book, at(3, 1))).toEqual([
      [0, 0, 0],
      [1, ...unknown],
      [2, 4, 0],
    ])
  })

  it('breaks and covers each coin on its own', () => {
    const book = createFlowBook()
    book.opened('BTC', at(0))
    book.opened('ETH', at(0))
    book.add([trade(at(0, 5), 'buy', 1, 1), trade(at(0, 5), 'sell', 2, 1, 'ETH')])
    book.broken('ETH')
    book.heard(at(1, 1))
    const flows = book.flows(at(1, 1))
    expect([...flows.keys()]).toEqual(['BTC', 'ETH'])
    expect([...(flows.get('BTC')?.bought ?? [])]).toEqual([1])
    expect([...(flows.get('ETH')?.sold ?? [])]).toEqual([Number.NaN])
  })

  it('counts a replayed trade once, also one of the hour before', () => {
    const book = createFlowBook()
    book.opened('BTC', at(0))
    const known = [trade(at(0, 50), 'buy', 1, 1), trade(at(1, 10), 'sell', 2, 2)]
    book.add(known)
    book.heard(at(1, 15))
    book.broken('BTC')
    book.opened('BTC', at(1, 16))
    book.add(known)
    book.heard(at(2, 5))
    book.add(known)
    expect(rows(book, at(2, 5))[0]).toEqual([0, 1, 0])
    // The same number at another time is another trade.
    book.add([trade(at(0, 51), 'buy', 4, 1)])
    expect(rows(book, at(2, 5))[0]).toEqual([0, 5, 0])
  })

  it('drops trades that are too old to be told from known ones', () => {
    const book = createFlowBook()
    book.opened('BTC', at(0))
    book.add([trade(at(0, 10), 'buy', 1, 1), trade(at(5, 10), 'buy', 1, 2)])
    book.add([trade(at(0, 10), 'buy', 1, 1)])
    book.heard(at(6, 1))
    expect(rows(book, at(6, 1)).map(([, bought]) => bought)).toEqual([1, 0, 0, 0, 0, 1])
  })

  it('lets go of hours beyond those it keeps', () => {
    const book = createFlowBook({ keepHours: 3 })
    book.opened('BTC', at(0))
    for (let hour = 0; hour < 10; hour++) book.add([trade(at(hour, 5), 'buy', hour, hour)])
    book.heard(at(10, 1))
    expect(rows(book, at(10, 1)).map(([hour, bought]) => [hour, bought])).toEqual([
      [7, 7],
      [8, 8],
      [9, 9],
    ])
  })

  it('does not care in which order and how often trades of an hour come', () => {
    const some = fc.uniqueArray(
      fc.record({ id: fc.nat(50), minutes: fc.integer({ min: 0, max: 119 }), buy: fc.boolean() }),
      {
        selector: ({ id }) => id,
        maxLength: 20,
      },
    )
    const shuffled = some.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }), fc.subarray(list)),
    )
    fc.assert(
      fc.property(shuffled, ([list, order, again]) => {
        const fill = (given: typeof list) => {
          const book = createFlowBook()
          book.opened('BTC', at(0))
          book.add(given.map(({ id, minutes, buy }) => trade(at(0, minutes), buy ? 'buy' : 'sell', id + 1, id)))
          book.heard(at(2, 1))
          return rows(book, at(2, 1))
        }
        expect(fill([...order, ...again])).toEqual(fill(list))
      }),
      { numRuns: 60, seed: 7 },
    )
  })
})
