import { describe, expect, it } from 'vitest'
import { type Bars, HOUR } from '#data/bars.ts'
import type { FlowSeries } from '#data/trades.ts'
import { WheelOptions } from '#src/options.ts'
import { createFlowScanner } from '#src/scanners/flow.ts'
import { type Direction, isSignal } from '#src/scanners/scanner.ts'
import { allocateSignedVolume, createBarSigner } from '#src/scanners/signed-volume.ts'
import { barsFrom, makeLivelyBars, makeMarket, START, withOtherFuture } from '../market.ts'
import { conformsToScanner } from './conformance.ts'

const defaults = WheelOptions.parse({}).flow
const setting = { missing: /no bar/, needsFunding: false }
const lively = makeLivelyBars('TEST', 900, 3)
conformsToScanner('flow from bars', () => createFlowScanner(defaults), { ...setting, market: makeMarket(lively, 0) })
conformsToScanner('flow from trades', () => createFlowScanner(defaults), {
  ...setting,
  market: makeMarket(lively, 1, true),
})

const options = WheelOptions.parse({ flow: { windowHours: 2, baselineHours: 8, minBaseline: 8 } }).flow
// Eight windows of two hours before the last two, and the hour that the first of them begins with.
const HOURS = 11

/** Nine hours of [bought, sold] around balance, then two hours given. */
function flowOf(bought: number, sold: number): FlowSeries {
  const before = [10, 12, 10, 8, 10, 12, 10, 8, 10]
  return {
    openTime: Float64Array.from({ length: HOURS }, (_, i) => START + i * HOUR),
    bought: Float64Array.of(...before, bought, bought),
    sold: Float64Array.of(...before.map(() => 10), sold, sold),
  }
}

const plain = barsFrom(
  'TEST',
  Array.from({ length: HOURS }, (_, i) => 100 + (i % 3)),
)

function scanFlow(flow: FlowSeries | undefined, held: Direction = 0, bars: Bars = plain) {
  const market = flow === undefined ? { bars: [bars] } : { bars: [bars], flows: new Map([['TEST', flow]]) }
  return createFlowScanner(options).scan(bars, START + bars.openTime.length * HOUR, held, market)
}

function signalOf(...given: Parameters<typeof scanFlow>) {
  const scan = scanFlow(...given)
  if (!isSignal(scan)) throw new Error(scan.unavailable)
  return scan
}

describe('flow from trades', () => {
  it('follows unusual imbalance with unusual volume', () => {
    const scan = signalOf(flowOf(20, 10))
    // Windows of two hours: 2/42, 2/42, -2/38, -2/38 twice; volumes 42, 42, 38, 38.
    const imbalances = [2 / 42, 2 / 42, -2 / 38, -2 / 38, 2 / 42, 2 / 42, -2 / 38, -2 / 38]
    const mean = (1 / 21 - 1 / 19) / 2
    const deviation = Math.sqrt(imbalances.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 7)
    expect(scan.evidence).toMatchObject({ method: 'trades', baseline: 8 })
    expect(scan.evidence.imbalance).toBeCloseTo(20 / 60, 12)
    expect(scan.evidence.meanImbalance).toBeCloseTo(mean, 12)
    expect(scan.evidence.z).toBeCloseTo((1 / 3 - mean) / deviation, 9)
    const logMean = (Math.log(42) + Math.log(38)) / 2
    const logDeviation = Math.sqrt((8 * ((Math.log(42) - Math.log(38)) / 2) ** 2) / 7)
    expect(scan.evidence.volumeZ).toBeCloseTo((Math.log(60) - logMean) / logDeviation, 9)
    expect(scan).toMatchObject({ direction: 1, strength: 1, horizonHours: 12, style: 'momentum' })
    expect(scan.degraded).toBeUndefined()
    expect(signalOf(flowOf(10, 20))).toMatchObject({ direction: -1 })
  })

  it('has no opinion without volume, or where less is sold than usual but still more than bought', () => {
    expect(signalOf(flowOf(13, 7))).toMatchObject({ direction: 0, evidence: { z: expect.any(Number) } })
    const selling = { ...flowOf(19, 20) }
    selling.bought.set([2, 4, 3, 2, 4, 3, 2, 4, 3])
    const scan = signalOf(selling)
    expect(scan.evidence.z).toBeGreaterThan(2)
    expect(scan.evidence.volumeZ).toBeGreaterThan(1)
    expect(scan.direction).toBe(0)
  })

  it('backs a held side while its z is above the exit, whatever the volume', () => {
    expect(signalOf(flowOf(11, 10))).toMatchObject({ direction: 0 })
    expect(signalOf(flowOf(11, 10), 1)).toMatchObject({ direction: 1 })
    expect(signalOf(flowOf(10, 10), 1)).toMatchObject({ direction: 0 })
    expect(signalOf(flowOf(11, 10), -1)).toMatchObject({ direction: 0 })
    expect(signalOf(flowOf(20, 10), -1)).toMatchObject({ direction: 1 })
  })

  it('does not take a later hour of the stream', () => {
    const flow = flowOf(20, 10)
    const longer: FlowSeries = {
      openTime: Float64Array.of(...flow.openTime, START + HOURS * HOUR),
      bought: Float64Array.of(...flow.bought, 1),
      sold: Float64Array.of(...flow.sold, 900),
    }
    expect(scanFlow(longer)).toEqual(scanFlow(flow))
  })

  it('reads bars, and says so, where the stream does not cover the hours', () => {
    const bars = makeLivelyBars('TEST', 40, 3)
    const flow = flowOf(20, 10)
    flow.bought[HOURS - 1] = Number.NaN
    const shifted = { ...flow, openTime: flow.openTime.map((time) => time + 29 * HOUR) }
    const scan = signalOf(shifted, 0, bars)
    expect(scan).toMatchObject({
      evidence: { method: 'bars' },
      degraded: 'no trades: an hour of the last 2 is not known',
    })
    const { degraded: _, ...undisturbed } = scan
    expect(undisturbed).toEqual(signalOf(undefined, 0, bars))
    shifted.bought[HOURS - 1] = 20
    shifted.sold[2] = Number.NaN
    expect(signalOf(shifted, 0, bars)).toMatchObject({
      degraded: 'no trades: 6 of 8 h before are known, at least 8',
    })
  })

  it('is unavailable where nothing is known of the hour, nothing was traded, or nothing varied', () => {
    expect(scanFlow(undefined)).toMatchObject({ unavailable: '1 of 8 h before are known, at least 8' })
    const uncovered = flowOf(Number.NaN, 10)
    expect(scanFlow(uncovered)).toMatchObject({
      unavailable: '1 of 8 h before are known, at least 8; no trades: an hour of the last 2 is not known',
    })
    const bars = makeLivelyBars('TEST', 40, 3)
    bars.volume.fill(0, 38)
    expect(scanFlow(undefined, 0, bars)).toMatchObject({ unavailable: 'nothing was traded in 2 h' })
    const still = barsFrom(
      'TEST',
      Array.from({ length: 40 }, () => 100),
    )
    expect(scanFlow(undefined, 0, still)).toMatchObject({ unavailable: 'an hour of the last 2 is not known' })
  })
})

describe('bulk volume classification', () => {
  it('signs the volume of an hour by the normal distribution of its return over the deviation before', () => {
    // Returns of 1 % up and down, then one of 1.96 %: 97.5 % was bought, so 95 % of the volume is signed.
    const closes = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 100 : 100 * Math.exp(0.01)))
    closes.push(closes[11] * Math.exp(-0.0196))
    const bars = barsFrom('TEST', closes)
    bars.volume.fill(200)
    const grid = allocateSignedVolume(2)
    createBarSigner(8)(bars, START + 13 * HOUR, grid)
    expect(grid.signed[1]).toBeCloseTo(-190, 2)
    expect(grid.signed[0]).toBeCloseTo(200 * 0.682_689, 3)
    expect([...grid.total]).toEqual([200, 200])
  })

  it('remembers shares by history: views, copies and other closes keep their own', () => {
    const signer = createBarSigner(48)
    const signed = (bars: Bars, hour: number, fresh: boolean) => {
      const grid = allocateSignedVolume(24)
      const use = fresh ? createBarSigner(48) : signer
      use(bars, START + hour * HOUR, grid)
      return [...grid.signed]
    }
    const late: Bars = { ...lively, close: lively.close.subarray(30), openTime: lively.openTime.subarray(30) }
    const otherVolume: Bars = { ...lively, volume: lively.volume.map((volume) => volume / 2) }
    const otherTimes: Bars = { ...lively, openTime: lively.openTime.map((time, i) => (i < 100 ? time - HOUR : time)) }
    for (const hour of [90, 400, 120, 700]) {
      const shifted: Bars = { ...lively, close: lively.close.subarray(30) }
      for (const bars of [lively, late, shifted, otherVolume, otherTimes, withOtherFuture(lively, 110)]) {
        expect(signed(bars, hour, false)).toEqual(signed(bars, hour, true))
      }
    }
  })
})
