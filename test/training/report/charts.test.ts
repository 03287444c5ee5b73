import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { renderChart, tidySvg } from '#training/report/charts/render.ts'
import { REGIME_COLOURS } from '#training/report/charts/theme.ts'
import { thin } from '#training/report/charts/thin.ts'
import { timeLabel, timeTicks } from '#training/report/charts/time-axis.ts'
import { timelineChart } from '#training/report/charts/timeline.ts'
import { drawCharts } from '#training/report/charts.ts'
import type { Timeline } from '#training/report/data.ts'
import { sampleReport } from './sample.ts'

describe('thinning a long series', () => {
  it('keeps ends and extremes, in order, within the limit', () => {
    const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(Number.NaN))
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 4, max: 120 }),
        (values, limit) => {
          const rows = [...thin(values, limit)]
          expect(rows.length).toBeLessThanOrEqual(Math.max(limit, 4))
          expect(rows).toEqual([...new Set(rows)].toSorted((a, b) => a - b))
          expect([rows[0], rows.at(-1)]).toEqual([0, values.length - 1])
          const known = (list: number[]) => list.filter((v) => !Number.isNaN(v))
          const kept = known(rows.map((row) => values[row]))
          expect(Math.max(...kept)).toBe(Math.max(...known(values)))
          expect(Math.min(...kept)).toBe(Math.min(...known(values)))
        },
      ),
    )
  })
})

describe('time axis', () => {
  it('marks at most as many moments as wanted, all inside', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500_000 }), fc.integer({ min: 1, max: 60_000 }), (start, hours) => {
        const ticks = timeTicks(start * HOUR, (start + hours) * HOUR, 12)
        expect(ticks.length).toBeLessThanOrEqual(hours > 364 * 24 * 12 ? hours : 13)
        for (const tick of ticks) expect(tick >= start * HOUR && tick <= (start + hours) * HOUR).toBe(true)
      }),
    )
  })

  it('marks Mondays over weeks and names days in UTC', () => {
    const ticks = timeTicks(Date.UTC(2025, 3, 1), Date.UTC(2025, 4, 18), 8)
    expect(ticks.map((tick) => timeLabel(tick, 47 * 24 * HOUR)).slice(0, 2)).toEqual(['7 Apr', '14 Apr'])
    expect(timeLabel(Date.UTC(2025, 3, 1, 13), 10 * HOUR)).toBe('13:00')
  })
})

describe('pictures', () => {
  const data = sampleReport({ coins: ['BTC', 'ETH'], hours: 400 })

  it('are the same in every run and share no id', async () => {
    const first = await drawCharts(data)
    const second = await drawCharts(data)
    expect(second).toEqual(first)
    const all = Object.values(first).flat()
    expect(all).toHaveLength(1 + 1 + 4 + 1 + 2 + 1 + 2 + 2)
    const ids = all.flatMap(({ svg }) => [...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]))
    expect(ids.length).toBeGreaterThan(4)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { svg } of all) {
      for (const [, id] of svg.matchAll(/url\(#([^)]+)\)/g)) expect(svg).toContain(` id="${id}"`)
      expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 \d+ \d+" role="img" aria-label="[^"]+"/)
      expect(svg).not.toMatch(/<style|<script|NaN|undefined/)
    }
  })

  it('colour the price by regime and leave a hole where hours are absent', async () => {
    const hours = [0, 1, 2, 3, 10, 11, 12, 13]
    const timeline: Timeline = {
      coin: 'BTC',
      asOf: hours.map((hour) => hour * HOUR),
      close: [1, 2, 3, 2, 5, 6, 7, 6],
      funding: [1, 1, -1, 1, 1, Number.NaN, 1, 1].map((rate) => rate * 1e-5),
      regime: [0, 0, 1, 1, 2, 2, 255, 255],
      label: hours.map(() => 255),
    }
    const { option } = timelineChart(timeline, 0)
    const series = option.series as { name: string; xAxisIndex: number; data: [number, number | null][] }[]
    const price = (name: string) => series.find((s) => s.name === name && s.xAxisIndex === 0)?.data
    expect(price('chop')).toEqual([
      [0, null],
      [0, 1],
      [HOUR, 2],
    ])
    expect(price('trend')).toEqual([
      [HOUR, null],
      [HOUR, 2],
      [2 * HOUR, 3],
      [3 * HOUR, 2],
    ])
    expect(price('reversal')?.[0]).toEqual([10 * HOUR, null])
    expect(price('no estimate')).toHaveLength(4)
    expect(series.some(({ xAxisIndex }) => xAxisIndex === 1)).toBe(false)
    const { svg } = await renderChart(timelineChart(timeline, 0))
    expect(svg).toContain(`stroke="${REGIME_COLOURS.trend}"`)
  })

  it('are left out where there is nothing to draw', async () => {
    const charts = await drawCharts({
      ...data,
      timelines: [],
      training: { ...data.training, cde: { ...data.training.cde, epochs: [] } },
      wheel: { ...data.wheel, perCoin: [], equity: { time: [], value: [] } },
    })
    expect([charts.timelines, charts.training, charts.wheel]).toEqual([[], [], []])
  })

  it('escape what they are called', () => {
    const svg = tidySvg('<svg width="9" viewBox="0 0 9 9"><path d="M0.12345 1"></path></svg>', 'a', '"><script>', 9)
    expect(svg).toContain('aria-label="&quot;&gt;&lt;script&gt;"')
    expect(svg).toContain('d="M0.1 1"')
  })
})
