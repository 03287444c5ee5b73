import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bars, HOUR } from '#data/bars.ts'
import { WheelOptions } from '#src/options.ts'
import { replay, totals } from '#src/paper/account.ts'
import { toMicro } from '#src/paper/money.ts'
import { runWheel } from '#src/wheel.ts'
import type { WheelResult } from '#src/wheel-result.ts'
import { constantEstimates, makeBars, START, withOtherFuture, without } from './market.ts'

const HOURS = 900
const range = { from: START + 400 * HOUR, to: START + HOURS * HOUR }
const bars = ['AAA', 'BBB', 'CCC'].map((coin) => makeBars(coin, HOURS, 21))
const uniform = [1 / 3, 1 / 3, 1 / 3]
const estimatesOf = (coins: readonly Bars[]) =>
  new Map(coins.map(({ coin }) => [coin, constantEstimates(range.from, range.to, uniform)]))
const options = (changes: Record<string, unknown> = {}) => WheelOptions.parse({ requireEdge: false, ...changes })
const turn = (changes: Partial<Parameters<typeof runWheel>[0]> = {}) =>
  runWheel({ bars, estimates: estimatesOf(bars), range, options: options(), ...changes })

const pastOf = (result: WheelResult, time: number) => ({
  decisions: result.decisionLog.filter(({ asOf }) => asOf < time),
  events: result.events.filter((event) => event.time < time),
  equity: result.equity.value.slice(0, (time - range.from) / HOUR),
})

describe('wheel', () => {
  it('opens, holds and closes, and ends flat with a PnL that adds up exactly', async () => {
    const result = await turn()
    expect(result.opened).toBeGreaterThan(5)
    expect(result.closed).toBe(result.opened)
    expect(result.trades).toBe(result.tradeLog.length)
    expect(result.decisions).toBe(3 * (HOURS - 400 - 1))
    const { realised, funding, fees, equityChange } = result.micro
    expect(equityChange).toBe(realised + funding - fees)
    expect(result.tradeLog.reduce((sum, { net }) => sum + net, 0)).toBe(equityChange)
    expect(Object.values(result.perCoin).reduce((sum, { micro }) => sum + micro.equityChange, 0)).toBe(equityChange)
    expect(result.equity.value).toHaveLength(HOURS - 400)
    expect(toMicro(result.equity.value.at(-1)!) - toMicro(10_000)).toBe(equityChange)
  })

  it('follows from its events alone', async () => {
    const result = await turn()
    expect(totals(replay(toMicro(10_000), result.events))).toMatchObject({ ...result.micro, unrealised: 0 })
  })

  it('fills one bar after the decision, at that bar, after the intent was recorded', async () => {
    const { events } = await turn()
    const fills = events.filter((event) => event.kind === 'fill')
    expect(fills.length).toBeGreaterThan(10)
    for (const fill of fills) {
      const intent = events.findIndex((event) => event.kind === 'intent' && event.order === fill.order)
      expect(intent).toBeLessThan(events.indexOf(fill))
      expect(fill.time - events[intent].time).toBe(HOUR)
      const history = bars.find(({ coin }) => coin === fill.coin)!
      const close = history.close[(events[intent].time - START) / HOUR]
      expect(fill.price).toBe(close * (1 + Math.sign(fill.size) * 0.0001))
    }
  })

  it('settles funding on every hour held, with the sign of the exchange', async () => {
    const { events, tradeLog } = await turn()
    const settled = events.filter((event) => event.kind === 'funding')
    for (const { coin, size, price, rate, amount, time } of settled) {
      const row = (time - START) / HOUR - 1
      const history = bars.find((candidate) => candidate.coin === coin)!
      expect([price, rate]).toEqual([history.close[row], history.funding[row]])
      expect(amount).toBe(toMicro(-size * price * rate!))
    }
    // A position pays for [S - 1 h, S) at S: first an hour after its opening, last at the hour of its closing.
    const due = tradeLog.flatMap(({ coin, openedAt, closedAt }) =>
      Array.from({ length: (closedAt - openedAt) / HOUR }, (_, i) => `${coin} ${openedAt + (i + 1) * HOUR}`),
    )
    expect(settled.map(({ coin, time }) => `${coin} ${time}`).sort()).toEqual(due.sort())
  })

  it('does not see the future: earlier decisions, fills and equity stay', async () => {
    const whole = await turn()
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 410, max: HOURS - 5 }), async (hour) => {
        const now = START + hour * HOUR
        const past = pastOf(whole, now + 1)
        const cut = bars.map((history) => without(history, (index) => index >= hour))
        expect(pastOf(await turn({ bars: cut }), now + 1)).toEqual(past)
        const other = bars.map((history) => withOtherFuture(history, hour))
        expect(pastOf(await turn({ bars: other }), now + 1)).toEqual(past)
      }),
      { numRuns: 8, seed: 6 },
    )
  })

  it('repeats itself', async () => {
    expect(await turn()).toEqual(await turn())
  })

  it('opens nothing without estimates, and says so', async () => {
    const result = await turn({ estimates: new Map() })
    expect(result).toMatchObject({ opened: 0, trades: 0, equityChange: 0 })
    expect(result.rejections['regime (unavailable)']).toBeGreaterThan(0)
    expect(result.decisionLog.every(({ action }) => action === 'reject')).toBe(true)
  })

  it('manages what is open when the estimates end', async () => {
    const whole = await turn()
    const first = whole.tradeLog[0]
    const estimates = new Map(
      bars.map(({ coin }) => [coin, constantEstimates(range.from, first.decidedAt + HOUR, uniform)]),
    )
    const result = await turn({ estimates })
    expect(result.tradeLog[0]).toEqual(first)
    expect(result.opened).toBe(whole.decisionLog.filter((d) => d.action === 'open' && d.asOf <= first.decidedAt).length)
    expect(result.closed).toBe(result.opened)
  })

  it('closes on a change of regime', async () => {
    const whole = await turn()
    const first = whole.tradeLog.find(({ openedAt, closedAt }) => closedAt - openedAt > 2 * HOUR)!
    const estimates = estimatesOf(bars)
    const series = estimates.get(first.coin)!
    const row = (first.openedAt - range.from) / HOUR
    series.probabilities.set([0.1, 0.8, 0.1], 3 * row)
    const trade = (await turn({ estimates })).tradeLog.find(({ decidedAt }) => decidedAt === first.decidedAt)
    expect(trade).toMatchObject({ reason: 'regime change', closedAt: first.openedAt + HOUR })
  })

  it('keeps to the caps and lists every refusal', async () => {
    const result = await turn({ options: options({ maxPositions: 1 }) })
    const open = new Set<string>()
    for (const event of result.events) {
      if (event.kind !== 'fill') continue
      if (open.has(event.coin)) open.delete(event.coin)
      else open.add(event.coin)
      expect(open.size).toBeLessThanOrEqual(1)
    }
    expect((await turn({ options: options({ positionDollars: 20_000 }) })).rejections.gross).toBeGreaterThan(0)
    expect((await turn({ options: options({ positionDollars: 5 }) })).rejections.size).toBeGreaterThan(0)
  })

  it('counts what it opens in the same hour against the caps', async () => {
    // Two coins that do the same always want to be opened together.
    const twins = ['AAA', 'BBB'].map((coin) => ({ ...bars[0], coin }))
    const openings = async (changes: Record<string, unknown>) => {
      const result = await turn({ bars: twins, estimates: estimatesOf(twins), options: options(changes) })
      const times = result.decisionLog.filter(({ action }) => action === 'open').map(({ asOf }) => asOf)
      return { together: times.length - new Set(times).size, result }
    }
    expect((await openings({})).together).toBeGreaterThan(1)
    const one = await openings({ maxPositions: 1 })
    expect(one.together).toBe(0)
    expect(one.result.rejections.positions).toBeGreaterThan(0)
    const half = await openings({ positionDollars: 6_000 })
    expect(half.together).toBe(0)
    expect(half.result.opened).toBeGreaterThan(1)
    expect(half.result.rejections.gross).toBeGreaterThan(0)
  })

  it('opens nothing that could not be closed within the range', async () => {
    const [{ decidedAt }] = (await turn()).tradeLog
    const until = (hours: number) => turn({ range: { from: range.from, to: decidedAt + hours * HOUR } })
    // Filled an hour after the decision, closed an hour after that: three hours of the range are needed.
    expect((await until(2)).tradeLog.some((trade) => trade.decidedAt === decidedAt)).toBe(false)
    const just = (await until(3)).tradeLog.find((trade) => trade.decidedAt === decidedAt)
    expect(just).toMatchObject({ openedAt: decidedAt + HOUR, closedAt: decidedAt + 2 * HOUR, reason: 'end of period' })
  })

  it('opens only what is expected to pay the round trip where the edge is required', async () => {
    const result = await turn({ options: options({ requireEdge: true, minEdge: 0.0005 }) })
    const opened = result.decisionLog.filter(({ action }) => action === 'open')
    expect(result.rejections.edge).toBeGreaterThan(0)
    for (const { edge } of opened) expect(edge!.net).toBeGreaterThan(0.0005)
    for (const { edge } of opened) expect(edge!.cost).toBeCloseTo(2 * (0.00045 + 0.0001), 15)
  })

  it('invents no price and no funding where an hour is missing', async () => {
    const whole = await turn()
    const trade = whole.tradeLog.find(({ openedAt, closedAt }) => closedAt - openedAt > 4 * HOUR)!
    const gap = (trade.openedAt - START) / HOUR
    const holed = bars.map((history) => (history.coin === trade.coin ? without(history, (i) => i === gap) : history))
    const result = await turn({ bars: holed })
    expect(result.unknownFundingHours).toBe(1)
    expect(result.staleMarkHours).toBe(1)
    const missing = result.events.filter((event) => event.coin === trade.coin && event.time === trade.openedAt + HOUR)
    expect(missing).toMatchObject([{ kind: 'funding', rate: null, amount: 0 }])

    const late = (trade.decidedAt - START) / HOUR
    const unfilled = bars.map((history) =>
      history.coin === trade.coin ? without(history, (i) => i === late) : history,
    )
    const lapsed = await turn({ bars: unfilled })
    expect(lapsed.lapsed).toBe(1)
    expect(lapsed.events.find(({ kind }) => kind === 'lapse')).toMatchObject({ coin: trade.coin, time: trade.openedAt })
  })

  it('is flat at the end even where the last hours are missing, and says that the price is old', async () => {
    const whole = await turn()
    const trade = whole.tradeLog.find(({ openedAt, closedAt }) => closedAt - openedAt > 4 * HOUR)!
    const end = (trade.openedAt - START) / HOUR + 1
    const cut = bars.map((history) => without(history, (index) => index >= end))
    const result = await turn({ bars: cut })
    expect(result.closed).toBe(result.opened)
    expect(result.staleFills).toBeGreaterThan(0)
    expect(result.micro.equityChange).toBe(result.micro.realised + result.micro.funding - result.micro.fees)
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
