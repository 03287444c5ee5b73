import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkBars, HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { joinBars } from '#data/join.ts'
import type { Candles, Provider } from '#data/provider.ts'

/** A provider under test and a coin of which it has every hour of `range`, funding included. */
export interface ProviderUnderTest {
  readonly provider: Provider
  readonly coin: string
  readonly range: TimeRange
  /** Ends what the test started. */
  stop?(): Promise<void>
}

/** What every provider must do; each driver's test calls this once. */
export function describeProvider(name: string, make: () => Promise<ProviderUnderTest>): void {
  describe(`${name} as a provider`, () => {
    let provider: Provider
    let coin: string
    let range: TimeRange
    let hours: number
    let stop: (() => Promise<void>) | undefined

    beforeAll(async () => {
      const made = await make()
      provider = made.provider
      coin = made.coin
      range = made.range
      stop = made.stop
      hours = (range.to - range.from) / HOUR
    })
    afterAll(async () => {
      await provider?.close()
      await stop?.()
    })

    const column = (candles: Candles, key: 'open' | 'close' | 'volume' | 'openTime') => Array.from(candles[key])

    it('says who it is and where its data come from', () => {
      expect(provider.name).toMatch(/^[a-z]+$/)
      expect(provider.origin.startsWith(provider.name)).toBe(true)
    })

    it('lists the coin once, as live', async () => {
      const found = (await provider.universe()).filter((instrument) => instrument.coin === coin)
      expect(found).toHaveLength(1)
      expect(found[0].live).toBe(true)
    })

    it('gives every hour of the range, ascending, from the first to before the end', async () => {
      const candles = await provider.candles(coin, range)
      expect(candles.coin).toBe(coin)
      expect(column(candles, 'openTime')).toEqual(Array.from({ length: hours }, (_, i) => range.from + i * HOUR))
    })

    it('gives the funding settled at the end of each bar', async () => {
      const funding = await provider.funding(coin, range)
      expect(Array.from(funding.time)).toEqual(Array.from({ length: hours }, (_, i) => range.from + (i + 1) * HOUR))
      for (const rate of funding.rate) expect(Math.abs(rate)).toBeLessThanOrEqual(0.04)
    })

    it('gives bars that keep every invariant', async () => {
      const { bars, notices } = joinBars(await provider.candles(coin, range), await provider.funding(coin, range))
      checkBars(bars)
      expect(notices).toEqual([])
      expect(bars.funding.every(Number.isFinite)).toBe(true)
    })

    it('gives for a part of the range what it gives for the whole', async () => {
      const whole = await provider.candles(coin, range)
      const wholeFunding = await provider.funding(coin, range)
      const hour = fc.integer({ min: 0, max: hours })
      await fc.assert(
        fc.asyncProperty(hour, hour, async (one, other) => {
          const [start, end] = one < other ? [one, other] : [other, one]
          const part = { from: range.from + start * HOUR, to: range.from + end * HOUR }
          const candles = await provider.candles(coin, part)
          for (const key of ['openTime', 'open', 'close', 'volume'] as const) {
            expect(column(candles, key)).toEqual(column(whole, key).slice(start, end))
          }
          const funding = await provider.funding(coin, part)
          expect(Array.from(funding.rate)).toEqual(Array.from(wholeFunding.rate).slice(start, end))
        }),
        { numRuns: 12 },
      )
    })

    it('gives nothing for an empty range', async () => {
      const empty = { from: range.from, to: range.from }
      expect((await provider.candles(coin, empty)).openTime).toHaveLength(0)
      expect((await provider.funding(coin, empty)).time).toHaveLength(0)
    })

    it('refuses a range that is backwards or not made of full hours', async () => {
      for (const wrong of [
        { from: range.to, to: range.from },
        { from: range.from + 1, to: range.to },
        { from: Number.NaN, to: range.to },
      ]) {
        await expect(provider.candles(coin, wrong)).rejects.toThrow(InputError)
        await expect(provider.funding(coin, wrong)).rejects.toThrow(InputError)
      }
    })

    it('names an unknown coin and the ones it has', async () => {
      await expect(provider.candles('NOSUCH', range)).rejects.toThrow(/NOSUCH.*it has:/)
      await expect(provider.funding('NOSUCH', range)).rejects.toThrow(InputError)
    })

    it('gives present open interest of coins it lists, if of any', async () => {
      const listed = new Set((await provider.universe()).map((instrument) => instrument.coin))
      for (const snapshot of await provider.openInterest()) {
        expect(listed).toContain(snapshot.coin)
        expect(snapshot.openInterest).toBeGreaterThanOrEqual(0)
        expect(Number.isInteger(snapshot.time)).toBe(true)
      }
    })

    it('rejects with the reason of an abort', async () => {
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await expect(provider.universe(signal)).rejects.toBe(reason)
      await expect(provider.candles(coin, range, signal)).rejects.toBe(reason)
      await expect(provider.funding(coin, range, signal)).rejects.toBe(reason)
      await expect(provider.openInterest(signal)).rejects.toBe(reason)
    })

    it('gives each notice once', () => {
      provider.takeNotices()
      expect(provider.takeNotices()).toEqual([])
    })
  })
}
