import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { VenueError } from '#data/errors.ts'
import { readCandles, readFunding, readOpenInterest, readUniverse } from '#data/providers/hyperliquid-answers.ts'

const T = Date.UTC(2025, 3, 1, 13)
const candle = { t: T, T: T + HOUR - 1, s: 'BTC', i: '1h', o: '10.0', c: '11.0', h: '12.0', l: '9.0', v: '5.0', n: 3 }
const settlement = { coin: 'BTC', fundingRate: '0.0000125', premium: '0.0001', time: T + 39 }

describe('a candleSnapshot answer', () => {
  it('is read as numbers', () => {
    expect(readCandles([candle], 'BTC')).toEqual([
      { time: T, end: T + HOUR - 1, open: 10, high: 12, low: 9, close: 11, volume: 5 },
    ])
  })

  it.each([
    ['another interval', { i: '4h' }, 'row 0 (2025-04-01 13:00 UTC) i must be 1h, got "4h"'],
    ['another coin', { s: 'ETH' }, 's must be BTC, got "ETH"'],
    ['a stamp within the hour', { t: T + 1, T: T + HOUR }, 't must be a full hour'],
    ['an end of another interval', { T: T + 4 * HOUR - 1 }, 'T must be the last millisecond of the hour'],
    ['a time that no date can hold', { t: 9e15, T: 9e15 + HOUR - 1 }, '0.t is wrong'],
    ['a high below the close', { h: '10.5' }, 'h must not be below open, low or close, got "10.5"'],
    ['a low above the open', { l: '10.5' }, 'l must not be above open or close, got "10.5"'],
    ['a price of zero', { l: '0.0' }, '0.l is wrong (must be above zero), got "0.0"'],
    ['an exponent', { v: '1e5' }, '0.v is wrong (must be a decimal number in a string), got "1e5"'],
    ['no number of trades', { n: undefined }, '0.n is wrong'],
  ])('with %s is refused', (_, change, message) => {
    expect(() => readCandles([{ ...candle, ...change }], 'BTC')).toThrow(VenueError)
    expect(() => readCandles([{ ...candle, ...change }], 'BTC')).toThrow(message)
    expect(() => readCandles([{ ...candle, ...change }], 'BTC')).toThrow('candleSnapshot BTC: ')
  })
})

describe('a fundingHistory answer', () => {
  it('keeps the stamp of the venue', () => {
    expect(readFunding([settlement], 'BTC')).toEqual([{ time: T + 39, rate: 1.25e-5 }])
  })

  it.each([
    ['a rate that no hour can cost', { fundingRate: '-0.05' }, 'fundingRate must be within +-0.04, got "-0.05"'],
    ['another coin', { coin: 'ETH' }, 'coin must be BTC'],
    ['a time that no date can hold', { time: 9e15 }, '0.time is wrong'],
  ])('with %s is refused', (_, change, message) => {
    expect(() => readFunding([{ ...settlement, ...change }], 'BTC')).toThrow(VenueError)
    expect(() => readFunding([{ ...settlement, ...change }], 'BTC')).toThrow(message)
  })
})

describe('a list of coins', () => {
  const BTC = { name: 'BTC', szDecimals: 5, maxLeverage: 40 }

  it('that names a coin twice is refused', () => {
    expect(() => readUniverse({ universe: [BTC, BTC] })).toThrow('meta BTC: universe.name must be listed once')
  })

  it.each([
    [{}, undefined],
    [{ onlyIsolated: true }, true],
    [{ marginMode: 'strictIsolated' }, true],
    [{ marginMode: 'noCross' }, true],
    [{ marginMode: 'normal', onlyIsolated: false }, undefined],
  ])('tells what cannot share margin: %o', (said, strictlyIsolated) => {
    expect(readUniverse({ universe: [{ ...BTC, ...said }] })[0].strictlyIsolated).toBe(strictlyIsolated)
  })

  it('must have as many contexts as coins', () => {
    expect(() => readOpenInterest([{ universe: [BTC] }, []])).toThrow('contexts must be 1, one per coin, got 0')
    expect(readOpenInterest([{ universe: [BTC] }, [{ openInterest: '7.5' }]])).toEqual(new Map([['BTC', 7.5]]))
  })
})
