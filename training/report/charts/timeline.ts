import { HOUR } from '#data/bars.ts'
import { REGIMES } from '#models/regime.ts'
import type { Timeline } from '../data.ts'
import { slug } from './confusion.ts'
import type { ChartPlan } from './render.ts'
import { baseOption, INK, label, legend, nameAbove, REGIME_COLOURS, SIGN_COLOURS, valueAxis } from './theme.ts'
import { thin } from './thin.ts'
import { timeAxis } from './time-axis.ts'

/** More points than about one a pixel cannot be seen. */
const POINTS = 1200
const SIDES = { left: 74, right: 12 }
const UNKNOWN = 'no estimate'

type Point = [time: number, value: number | null]

/**
 * Price coloured by predicted regime, a strip of what hindsight calls it, and funding, over one time axis.
 * Absent hours leave a hole.
 */
export function timelineChart(timeline: Timeline, index: number): ChartPlan {
  const { coin, asOf } = timeline
  const span = [asOf[0], asOf.at(-1) as number, 14] as const
  const strip = labelStrip(timeline)
  return {
    // Two coins may have the same slug, and a coin's name need not be fit for an id at all.
    name: `timeline-${index}-${slug(coin)}`,
    title: `${coin}: price by predicted regime, and funding`,
    size: { width: 1120, height: 440 },
    option: {
      ...baseOption(),
      legend: legend([
        ...REGIMES.map((regime) => ({ name: regime as string })),
        ...(timeline.regime.some((k) => k >= REGIMES.length) ? [{ name: UNKNOWN }] : []),
      ]),
      grid: [
        { ...SIDES, top: 56, height: 220 },
        { ...SIDES, top: 286, height: 12 },
        { ...SIDES, top: 334, height: 78 },
      ],
      xAxis: [
        timeAxis(...span, true, { gridIndex: 0 }),
        timeAxis(...span, true, { gridIndex: 1 }),
        timeAxis(...span, false, { gridIndex: 2 }),
      ],
      yAxis: [
        valueAxis('Price, USD', { gridIndex: 0, scale: true, nameGap: 12, ...nameAbove(SIDES.left) }),
        {
          type: 'value',
          gridIndex: 1,
          show: strip.length > 0,
          min: 0,
          max: 1,
          interval: 0.5,
          axisLabel: { ...label(12), formatter: (value: number) => (value === 0.5 ? 'hindsight' : '') },
          axisTick: { show: false },
          axisLine: { show: false },
          splitLine: { show: false },
        },
        valueAxis('Funding, basis points an hour', {
          gridIndex: 2,
          splitNumber: 2,
          nameGap: 12,
          ...nameAbove(SIDES.left),
        }),
      ],
      series: [...priceSeries(timeline), ...strip, ...fundingSeries(timeline)],
    } as ChartPlan['option'],
  }
}

/** One series a regime: the step that ends at an hour has the colour of that hour's estimate. */
function priceSeries({ asOf, close, regime }: Timeline) {
  const rows = thin(close, POINTS)
  const classes = [...REGIMES, UNKNOWN] as const
  const points: Point[][] = classes.map(() => [])
  for (let i = 1; i < rows.length; i++) {
    const [from, to] = [rows[i - 1], rows[i]]
    if (hasGap(asOf, from, to)) continue
    const own = points[Math.min(regime[to], REGIMES.length)]
    // A step goes on from the one before if that had the same colour; otherwise it starts a new stroke.
    if (own.at(-1)?.[0] !== asOf[from]) own.push([asOf[from], null], [asOf[from], close[from]])
    own.push([asOf[to], close[to]])
  }
  return classes.map((name, k) => ({
    type: 'line' as const,
    name,
    xAxisIndex: 0,
    yAxisIndex: 0,
    symbol: 'none',
    silent: true,
    color: name === UNKNOWN ? INK.line : REGIME_COLOURS[name],
    lineStyle: { width: name === UNKNOWN ? 1 : 2, cap: 'round' as const },
    data: points[k],
  }))
}

/** Runs of equal labels as filled steps; nothing where there are no labels. */
function labelStrip({ asOf, label: labels }: Timeline) {
  if (!labels.some((k) => k < REGIMES.length)) return []
  const stride = Math.max(1, Math.ceil(labels.length / POINTS))
  const points: Point[][] = REGIMES.map(() => [])
  let start = 0
  for (let i = stride; start < labels.length; i += stride) {
    const end = Math.min(i, labels.length)
    const gone =
      end < labels.length && (asOf[end] - asOf[end - stride] > stride * HOUR || labels[end] !== labels[start])
    if (end < labels.length && !gone) continue
    const own = points[labels[start]]
    const last = asOf[end - 1]
    own?.push([asOf[start] - HOUR, null], [asOf[start] - HOUR, 1], [last, 1], [last, null])
    start = end
  }
  return REGIMES.map((regime, k) => ({
    type: 'line' as const,
    name: regime,
    xAxisIndex: 1,
    yAxisIndex: 1,
    symbol: 'none',
    silent: true,
    color: REGIME_COLOURS[regime],
    lineStyle: { width: 0 },
    areaStyle: { opacity: 1 },
    data: points[k],
  }))
}

/** Positive and negative funding as areas from the zero line. */
function fundingSeries({ asOf, funding }: Timeline) {
  const rows = thin(funding, POINTS)
  const points: Point[] = []
  for (let i = 0; i < rows.length; i++) {
    if (i > 0 && hasGap(asOf, rows[i - 1], rows[i])) points.push([asOf[rows[i - 1]] + 1, null])
    points.push([asOf[rows[i]], Number.isNaN(funding[rows[i]]) ? null : funding[rows[i]] * 1e4])
  }
  const part = (name: string, color: string, keep: (value: number) => number) => ({
    type: 'line' as const,
    name,
    xAxisIndex: 2,
    yAxisIndex: 2,
    symbol: 'none',
    silent: true,
    step: 'end' as const,
    color,
    lineStyle: { width: 0.8 },
    areaStyle: { opacity: 0.45 },
    data: points.map(([time, value]) => [time, value === null ? null : keep(value)]),
    markLine: {
      silent: true,
      symbol: 'none',
      label: { show: false },
      lineStyle: { color: INK.muted, type: 'solid' as const, width: 1 },
      data: [{ yAxis: 0 }],
    },
  })
  return [
    part('longs pay', SIGN_COLOURS.positive, (value) => Math.max(0, value)),
    part('shorts pay', SIGN_COLOURS.negative, (value) => Math.min(0, value)),
  ]
}

/** Whether an hour is absent between two rows. */
function hasGap(asOf: readonly number[], from: number, to: number): boolean {
  return asOf[to] - asOf[from] > (to - from) * HOUR
}
