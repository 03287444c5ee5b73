import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bars, HOUR } from '#data/bars.ts'
import { totals } from '#src/account/account.ts'
import { toMicro } from '#src/account/money.ts'
import type { Story } from '#src/decision.ts'
import { openJournal } from '#src/ledger/journal.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { WheelOptions } from '#src/options.ts'
import { runVariants, runWheel } from '#src/wheel.ts'
import type { WheelResult } from '#src/wheel-result.ts'
import { constantEstimates, makeBars, START, withOtherFuture, without } from './market.ts'

const HOURS = 700
const range = { from: START + 400 * HOUR, to: START + HOURS * HOUR }
const bars = ['AAA', 'BBB', 'CCC'].map((coin) => makeBars(coin, HOURS, 21))
const uniform = [1 / 3, 1 / 3, 1 / 3]
const estimatesOf = (coins: readonly Bars[]) =>
  new Map(coins.map(({ coin }) => [coin, constantEstimates(range.from, range.to, uniform)]))

/** Gates wide open, so that there is something to look at. */
const options = (changes: Record<string, unknown> = {}) =>
  WheelOptions.parse({
    requireEdge: false,
    validation: { enabled: false },
    hazard: { maxSignFlip: 1 },
    protections: { cooldownHours: 0, losingStreak: 0, coinLosses: 0 },
    fusion: { minConviction: 0.01 },
    ...changes,
  })

interface Turned {
  readonly result: WheelResult
  readonly stories: readonly Story[]
}

async function turn(changes: Partial<Parameters<typeof runWheel>[0]> = {}): Promise<Turned> {
  const store = createMemoryLedger()
  const input = { bars, estimates: estimatesOf(bars), range, options: options(), store, keepStories: true, ...changes }
  const result = await runWheel(input)
  const stories: Story[] = []
  for (let asOf = input.range.from; asOf < input.range.to; asOf += HOUR) {
    stories.push(...(JSON.parse(store.stories(asOf)?.json ?? '[]') as Story[]))
  }
  return { result, stories }
}

/** Everything up to and including `time`; what the settings event holds is the same for all. */
const pastOf = ({ result, stories }: Turned, time: number) => ({
  stories: stories.filter(({ asOf }) => asOf <= time),
  events: result.events.filter((event) => event.time <= time && event.kind !== 'order'),
  equity: result.equity.value.slice(0, (time - range.from) / HOUR + 1),
})

describe('wheel', () => {
  it('opens, holds and closes, ends flat, and adds up exactly', async () => {
    const { result } = await turn()
    expect(result.opened).toBeGreaterThan(5)
    expect(result.closed).toBe(result.opened)
    expect(result.stillOpen).toEqual([])
    expect(result.decisions).toBe(3 * (HOURS - 400))
    const { realised, unrealised, funding, fees, equityChange } = result.micro
    expect(unrealised).toBe(0)
    expect(equityChange).toBe(realised + funding - fees)
    expect(result.tradeLog.reduce((sum, { net }) => sum + net, 0)).toBe(equityChange)
    expect(Object.values(result.perCoin).reduce((sum, { micro }) => sum + micro.equityChange, 0)).toBe(equityChange)
    expect(result.equity.value).toHaveLength(HOURS - 400)
    expect(toMicro(result.equity.value.at(-1)!) - toMicro(10_000)).toBe(equityChange)
  })

  it('follows from its events alone', async () => {
    const store = createMemoryLedger()
    const result = await runWheel({ bars, estimates: estimatesOf(bars), range, options: options(), store })
    expect(totals(openJournal(store).state.account)).toMatchObject(result.micro)
  })

  it('writes the intent before the order goes out, and trades after the decision only', async () => {
    const { result } = await turn()
    const fills = result.events.filter((event) => event.kind === 'fill')
    expect(fills.length).toBeGreaterThan(10)
    for (const fill of fills) {
      const intent = result.events.findIndex((event) => event.kind === 'intent' && event.order.cloid === fill.cloid)
      expect(intent).toBeLessThan(result.events.indexOf(fill))
      expect(fill.time).toBeGreaterThan(result.events[intent].time)
      expect(fill.time - result.events[intent].time).toBeLessThan(HOUR)
    }
  })

  it('tells a story of every coin at every hour, and every opening has its order', async () => {
    const { result, stories } = await turn()
    expect(stories).toHaveLength(result.decisions)
    const opened = stories.filter(({ action }) => action === 'open')
    expect(opened.length).toBe(result.opened + result.lapsed)
    for (const { cloid, scans, contributions, size, reasons } of opened) {
      expect(result.events.some((event) => event.kind === 'intent' && event.order.cloid === cloid)).toBe(true)
      expect(scans.length).toBe(5)
      expect(contributions.some(({ value }) => value !== 0)).toBe(true)
      expect(size!.dollars).toBeGreaterThan(0)
      expect(reasons).toEqual([])
    }
    for (const { reasons } of stories.filter(({ action }) => action === 'reject')) {
      expect(reasons.length).toBeGreaterThan(0)
    }
  })

  it('does not see the future: earlier stories, events and equity stay', async () => {
    const whole = await turn()
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 410, max: HOURS - 5 }), async (hour) => {
        const now = START + hour * HOUR
        const past = pastOf(whole, now)
        const cut = bars.map((history) => without(history, (index) => index >= hour))
        expect(pastOf(await turn({ bars: cut }), now)).toEqual(past)
        const other = bars.map((history) => withOtherFuture(history, hour))
        expect(pastOf(await turn({ bars: other }), now)).toEqual(past)
      }),
      { numRuns: 5, seed: 6 },
    )
  })

  it('repeats itself', async () => {
    expect((await turn()).result).toEqual((await turn()).result)
  })

  it('opens nothing without estimates, and says so', async () => {
    const { result, stories } = await turn({ estimates: new Map() })
    expect(result).toMatchObject({ opened: 0, trades: 0, equityChange: 0 })
    expect(result.rejections['regime (unavailable)']).toBeGreaterThan(0)
    expect(stories.every(({ action }) => action === 'reject' || action === 'none')).toBe(true)
  })

  it('opens without estimates where regimes are switched off', async () => {
    const { result } = await turn({ estimates: new Map(), options: options({ useRegimes: false }) })
    expect(result.opened).toBeGreaterThan(0)
  })

  it('manages what is open when the estimates end', async () => {
    const whole = await turn()
    const first = whole.result.tradeLog[0]
    const until = Math.ceil(first.openedAt / HOUR) * HOUR
    const estimates = new Map(bars.map(({ coin }) => [coin, constantEstimates(range.from, until, uniform)]))
    const { result } = await turn({ estimates })
    expect(result.opened).toBeGreaterThan(0)
    expect(result.tradeLog.every(({ openedAt }) => openedAt < until)).toBe(true)
    expect(result.closed).toBe(result.opened)
  })

  it('closes on a change of regime', async () => {
    const whole = await turn()
    const first = whole.result.tradeLog.find(({ openedAt, closedAt }) => closedAt - openedAt > 4 * HOUR)!
    const changed = Math.ceil(first.openedAt / HOUR) * HOUR + HOUR
    const estimates = estimatesOf(bars)
    estimates.get(first.coin)!.probabilities.set([0.1, 0.8, 0.1], (3 * (changed - range.from)) / HOUR)
    const { result } = await turn({ estimates })
    const trade = result.tradeLog.find(({ coin, openedAt }) => coin === first.coin && openedAt === first.openedAt)!
    expect(trade.reason).toBe('regime change')
    expect(trade.closedAt - changed).toBeLessThan(HOUR)
  })

  it('keeps to the caps at every hour and lists every refusal', async () => {
    const sizing = { maxPositions: 1, maxGrossLeverage: 0.3, maxCoinShare: 0.2, riskShare: 0.05 }
    const { result, stories } = await turn({ options: options({ sizing, rotation: { enabled: false } }) })
    for (const { sizing: bound, open } of [{ sizing: 2_000, open: result.opened }]) {
      expect(open).toBeGreaterThan(1)
      for (const story of stories.filter(({ action }) => action === 'open')) {
        expect(story.size!.dollars).toBeLessThanOrEqual(bound * 1.1)
      }
    }
    const open = new Set<string>()
    for (const event of result.events) {
      if (event.kind !== 'fill') continue
      if (open.has(event.coin)) open.delete(event.coin)
      else open.add(event.coin)
      expect(open.size).toBeLessThanOrEqual(1)
    }
    expect(result.rejections.positions).toBeGreaterThan(0)
  })

  it('counts what it opens in the same hour against the caps', async () => {
    // Two coins that do the same always want to be opened together.
    const twins = ['AAA', 'BBB'].map((coin) => ({ ...bars[0], coin }))
    const together = async (sizing: Record<string, number>) => {
      const settings = options({ sizing, rotation: { enabled: false } })
      const { stories } = await turn({ bars: twins, estimates: estimatesOf(twins), options: settings })
      const times = stories.filter(({ action }) => action === 'open').map(({ asOf }) => asOf)
      return { together: times.length - new Set(times).size, opened: times.length }
    }
    expect((await together({})).together).toBeGreaterThan(1)
    const one = await together({ maxPositions: 1 })
    expect(one).toMatchObject({ together: 0 })
    expect(one.opened).toBeGreaterThan(1)
  })

  it('opens nothing that could not be closed within the range', async () => {
    const { result, stories } = await turn()
    const last = range.to - 2 * HOUR
    expect(stories.some(({ action, asOf }) => action === 'open' && asOf >= last)).toBe(false)
    expect(result.events.filter(({ kind }) => kind === 'fill').every(({ time }) => time < range.to - HOUR)).toBe(true)
  })

  it('opens only what is expected to pay the round trip where the edge is required', async () => {
    const { result, stories } = await turn({ options: options({ requireEdge: true, minEdge: 0.003 }) })
    const opened = stories.filter(({ action }) => action === 'open')
    expect(result.rejections.edge).toBeGreaterThan(0)
    for (const { edge } of opened) expect(edge!.net).toBeGreaterThan(0.003)
    for (const { edge } of opened) expect(edge!.cost).toBeGreaterThan(2 * 0.00045)
  })

  it('gives a position up for one that is worth more, and says for which', async () => {
    const { result, stories } = await turn({
      options: options({ sizing: { maxPositions: 1 }, rotation: { minGain: 0 } }),
    })
    const rotated = result.tradeLog.filter(({ reason }) => reason === 'rotation')
    expect(rotated.length).toBeGreaterThan(0)
    const remarks = stories.flatMap(({ remarks = [] }) => remarks)
    expect(remarks.filter((words) => /is given up for it/.test(words)).length).toBeGreaterThanOrEqual(rotated.length)
  })

  it('invents no price and no funding where an hour is missing', async () => {
    const whole = await turn()
    const trade = whole.result.tradeLog.find(({ openedAt, closedAt }) => closedAt - openedAt > 6 * HOUR)!
    const gap = Math.ceil((trade.openedAt - START) / HOUR) + 1
    const holed = bars.map((history) => (history.coin === trade.coin ? without(history, (i) => i === gap) : history))
    const { result } = await turn({ bars: holed })
    const missing = result.events.filter(
      (event) => 'coin' in event && event.coin === trade.coin && event.time === START + (gap + 1) * HOUR,
    )
    expect(missing.filter(({ kind }) => kind === 'funding')).toMatchObject([{ rate: null, amount: 0 }])
    expect(missing.filter(({ kind }) => kind === 'mark')).toMatchObject([{ stale: true }])

    const unfilled = bars.map((history) =>
      history.coin === trade.coin
        ? without(history, (i) => i === Math.floor((trade.openedAt - START) / HOUR))
        : history,
    )
    const lapsed = await turn({ bars: unfilled })
    expect(lapsed.result.lapsed).toBeGreaterThan(0)
    expect(lapsed.result.events.find((event) => event.kind === 'order' && event.status === 'rejected')).toMatchObject({
      coin: trade.coin,
      message: 'No liquidity available for market order.',
    })
  })

  it('says what it could not close where the last hours are missing', async () => {
    const whole = await turn()
    const trade = whole.result.tradeLog.find(({ openedAt, closedAt }) => closedAt - openedAt > 6 * HOUR)!
    const end = Math.ceil((trade.openedAt - START) / HOUR) + 1
    const cut = bars.map((history) => without(history, (index) => index >= end))
    const { result } = await turn({ bars: cut })
    expect(result.stillOpen).toContain(trade.coin)
    const { realised, unrealised, funding, fees, equityChange } = result.micro
    expect(equityChange).toBe(realised + unrealised + funding - fees)
  })

  it('gives the same beside variants as alone, and each variant what it would give alone', async () => {
    const other = options({ useRegimes: false, sizing: { maxPositions: 1 } })
    const alone = await turn()
    const { results } = await runVariants({ bars, estimates: estimatesOf(bars), range, options: options() }, [
      { name: 'other', options: other },
    ])
    expect(results[0].tradeLog).toEqual(alone.result.tradeLog)
    const { result } = await turn({ options: other })
    expect(results[1].tradeLog).toEqual(result.tradeLog)
    expect(results[1].equity).toEqual(result.equity)
  })

  it('reports progress and stops when it is told to', async () => {
    const seen: number[] = []
    await turn({ progress: ({ done, total }) => seen.push(done / total) })
    expect(seen[0]).toBe(0)
    expect(seen.at(-1)).toBe(1)
    await expect(turn({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })

  it('refuses a range off the hour, a coin given twice and estimates that do not fit', async () => {
    await expect(turn({ range: { from: range.from + 1, to: range.to } })).rejects.toThrow(/full hour/)
    await expect(turn({ range: { from: range.to, to: range.from } })).rejects.toThrow(/full hour/)
    await expect(turn({ bars: [bars[0], bars[0]] })).rejects.toThrow(/given twice/)
    const estimates = new Map([['AAA', { asOf: Float64Array.of(1, 2), probabilities: new Float32Array(3) }]])
    await expect(turn({ estimates })).rejects.toThrow(/AAA: 2 estimates/)
  })
})
