import { REGIMES } from '#models/regime.ts'
import type { Spread } from '../../walk-forward/spread.ts'
import type { WalkForward } from '../../walk-forward/walk-forward.ts'
import type { ChartPlan } from '../charts/render.ts'
import {
  ACCENT,
  baseOption,
  categoryAxis,
  FULL,
  HALF,
  INK,
  label,
  legend,
  nameAbove,
  REGIME_COLOURS,
  valueAxis,
} from '../charts/theme.ts'
import * as format from '../format.ts'
import { EACH, SHOWN, sideColour, sideName } from './names.ts'

/** Room for the longest name of a contestant at the left of a chart. */
const NAME_ROOM = 128

/** Names here are longer than the drawing library takes them for. */
const roomyLegend = () => ({ ...legend(), itemGap: 26 })

/** A dot with a whisker from `low` to `high` beside it, along the vertical (`x` given) or the horizontal axis. */
function whiskers(points: readonly { at: number; low: number; high: number; colour: string }[], vertical: boolean) {
  return {
    type: 'custom' as const,
    silent: true,
    renderItem: (_: unknown, api: { coord: (p: number[]) => number[]; value: (i: number) => number }) => {
      const at = api.value(0)
      const point = points[api.value(3)]
      const [from, to] = [api.value(1), api.value(2)].map((value) => api.coord(vertical ? [at, value] : [value, at]))
      const shape = { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }
      return { type: 'line', shape, style: { stroke: point.colour, lineWidth: 2 } }
    },
    data: points.map(({ at, low, high }, i) => [at, low, high, i]),
    // Which of these stretch which axis.
    encode: vertical ? { x: 0, y: [1, 2] } : { x: [1, 2], y: 0 },
    z: 1,
  }
}

const range = ({ mean, sd }: Spread) =>
  Number.isNaN(sd) ? { low: mean, high: mean } : { low: mean - sd, high: mean + sd }

/** Macro-F1 of each contestant in each fold and over all, a dot with one standard deviation. */
export function foldChart({ contestants, folds }: WalkForward): ChartPlan {
  const groups = [...folds.map(({ fold }) => `Fold ${fold}`), 'All folds']
  const series = EACH.map((side, s) => {
    const spreads = [...contestants[side].folds.map(({ metrics }) => metrics.macroF1), contestants[side].all.macroF1]
    const offset = (s - (EACH.length - 1) / 2) * 0.13
    return { side, points: spreads.map((spread, g) => ({ at: g + offset, spread })) }
  })
  return {
    name: 'folds',
    title: 'Macro-F1 in each fold, mean and standard deviation over seeds',
    note: 'The whisker over all folds is the deviation over folds and seeds together. Models without chance in their fit have none within a fold.',
    size: { width: FULL.width, height: 400 },
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: 50, right: 12, top: 48, bottom: 34 },
      xAxis: valueAxis('', {
        min: -0.5,
        max: groups.length - 0.5,
        interval: 0.5,
        splitLine: { show: false },
        axisLine: { show: true, lineStyle: { color: INK.line } },
        axisLabel: { ...label(13, INK.text), formatter: (value: number) => groups[value] ?? '' },
      }),
      yAxis: valueAxis('', {
        scale: true,
        axisLabel: { ...label(12), formatter: (value: number) => value.toFixed(2) },
      }),
      series: [
        ...series.map(({ side, points }) => ({
          type: 'scatter' as const,
          name: sideName(side),
          symbolSize: 11,
          itemStyle: { color: sideColour(side), borderColor: INK.page, borderWidth: 1, opacity: 1 },
          data: points.map(({ at, spread }) => [at, spread.mean]),
          z: 2,
        })),
        whiskers(
          series.flatMap(({ side, points }) =>
            points.map(({ at, spread }) => ({ at, ...range(spread), colour: sideColour(side) })),
          ),
          true,
        ),
      ],
    } as unknown as ChartPlan['option'],
  }
}

/** Leads with their intervals: a forest plot. */
export function differenceChart({ differences }: WalkForward, over: 'all' | 'last'): ChartPlan {
  const rows = differences.filter(
    (row) => row.over === over && (row.first === 'chosen' || row.first === 'hmm' || row.first === 'gru'),
  )
  const names = rows.map(({ first, second }) => `${sideName(first)} − ${sideName(second)}`)
  return {
    name: `differences-${over}`,
    title: `Leads in macro-F1, ${over === 'all' ? 'all folds' : 'last fold'}, with 95 % intervals`,
    note: 'An interval that crosses zero may be luck. Paired moving-block bootstrap of 48 hours and of seeds.',
    size: { width: HALF.width, height: 90 + rows.length * 34 },
    option: {
      ...baseOption(),
      grid: { left: 210, right: 26, top: 12, bottom: 46 },
      xAxis: valueAxis('lead, macro-F1', {
        nameLocation: 'middle',
        nameGap: 28,
        scale: true,
        axisLabel: { ...label(12), formatter: (value: number) => `${Math.round(value * 1000) / 1000}` },
      }),
      yAxis: categoryAxis(names, { inverse: true }),
      series: [
        {
          type: 'scatter',
          symbol: 'rect',
          symbolSize: 10,
          data: rows.map(({ first, difference }, i) => ({
            value: [difference, i],
            itemStyle: { color: sideColour(first), opacity: 1 },
          })),
          z: 2,
          markLine: {
            silent: true,
            symbol: 'none',
            label: { show: false },
            lineStyle: { color: INK.muted, type: 'dashed', width: 1 },
            data: [{ xAxis: 0 }],
          },
        },
        whiskers(
          rows
            .map(({ first, low, high }, i) => ({ at: i, low, high, colour: sideColour(first) }))
            .filter(({ low }) => !Number.isNaN(low)),
          false,
        ),
      ],
    } as unknown as ChartPlan['option'],
  }
}

/** Reliability on the last fold, before or after calibration. */
export function reliabilityPlan({ contestants }: WalkForward, variant: 'raw' | 'temperature'): ChartPlan {
  const series = EACH.map((side) => {
    const { bins, ece } = contestants[side].reliability[variant]
    const total = bins.reduce((sum, { count }) => sum + count, 0)
    return {
      type: 'line' as const,
      name: `${sideName(side)} (${format.score(ece)})`,
      lineStyle: { color: sideColour(side), width: 2 },
      itemStyle: { color: sideColour(side) },
      symbolSize: 6,
      data: bins
        .filter(({ count }) => count > 0)
        .map(({ confidence, accuracy, count }) => ({
          value: [confidence, accuracy],
          symbol: count < total * 0.01 ? 'emptyCircle' : 'circle',
        })),
    }
  })
  return {
    name: `reliability-${variant}`,
    title: variant === 'raw' ? 'Reliability as it comes' : 'Reliability with a temperature from validation',
    note: 'Last fold, all seeds; calibration error in brackets. On the dashed line confidence is worth what it says. Hollow points hold under 1 % of the hours.',
    size: { width: HALF.width, height: 480 },
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: 46, right: 16, top: 90, bottom: 48 },
      xAxis: valueAxis('Mean confidence', { min: 0.3, max: 1, nameLocation: 'middle', nameGap: 30 }),
      yAxis: valueAxis('Share right', { min: 0, max: 1, ...nameAbove(46) }),
      series: [
        ...series,
        {
          type: 'line',
          name: 'Perfect',
          symbol: 'none',
          lineStyle: { color: INK.muted, type: 'dashed', width: 1 },
          itemStyle: { color: INK.muted },
          data: [
            [0.3, 0.3],
            [1, 1],
          ],
        },
      ],
    } as unknown as ChartPlan['option'],
  }
}

/** A dot a contestant for every coin: means over seeds. */
export function coinPlan({ contestants }: WalkForward, coins: readonly string[], over: 'all' | 'last'): ChartPlan {
  return {
    name: `coins-${over}`,
    title: `Macro-F1 on each coin, ${over === 'all' ? 'all folds' : 'last fold'}`,
    note: 'Means over seeds. The dot furthest to the right wins the coin.',
    size: { width: HALF.width, height: 120 + coins.length * 34 },
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: 64, right: 20, top: 66, bottom: 46 },
      xAxis: valueAxis('Macro-F1', { nameLocation: 'middle', nameGap: 28, scale: true, boundaryGap: ['4%', '4%'] }),
      yAxis: categoryAxis(coins, { inverse: true, splitLine: { show: true, lineStyle: { color: INK.grid } } }),
      series: EACH.map((side) => ({
        type: 'scatter',
        name: sideName(side),
        symbolSize: 12,
        itemStyle: { color: sideColour(side), borderColor: INK.page, borderWidth: 1, opacity: 1 },
        data: coins.map((coin) => [contestants[side].coins[coin][over].mean, coin]),
      })),
    } as unknown as ChartPlan['option'],
  }
}

/** What followed each regime: medians of the next day's volatility and return. */
export function forwardChart({ forward }: WalkForward, outcome: 'volatility' | 'return'): ChartPlan {
  const rows = forward.filter((row) => row.outcome === outcome)
  const names = rows.map(({ contestant }) => sideName(contestant))
  const what = outcome === 'volatility' ? 'log of next-day volatility over sigma' : 'next-day return over its deviation'
  return {
    name: `forward-${outcome}`,
    title: outcome === 'volatility' ? 'How restless the next day was, by regime' : 'Where the next day went, by regime',
    note: 'Medians. Dots far apart mean that the regime says something of the next day; the table says whether it is more than chance.',
    size: { width: HALF.width, height: 120 + rows.length * 34 },
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: NAME_ROOM, right: 20, top: 36, bottom: 46 },
      xAxis: valueAxis(what, { nameLocation: 'middle', nameGap: 28, scale: true, boundaryGap: ['6%', '6%'] }),
      yAxis: categoryAxis(names, { inverse: true, splitLine: { show: true, lineStyle: { color: INK.grid } } }),
      series: REGIMES.map((regime) => ({
        type: 'scatter',
        name: regime,
        symbolSize: 12,
        itemStyle: { color: REGIME_COLOURS[regime], borderColor: INK.page, borderWidth: 1, opacity: 1 },
        data: rows.map(({ medians }, i) => [medians[regime], names[i]]),
      })),
    } as unknown as ChartPlan['option'],
  }
}

/** Macro-F1 over the share of knots lost. */
export function lostKnotsChart({ robustness }: WalkForward): ChartPlan {
  return {
    name: 'lost-knots',
    title: 'Macro-F1 with hours that never arrived',
    note: 'Last fold, first seed. The last hour of each window is always there.',
    size: { width: HALF.width, height: 360 },
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: 46, right: 20, top: 66, bottom: 48 },
      xAxis: categoryAxis(
        robustness.lostShares.map((share) => `${share * 100} %`),
        { name: 'knots lost', nameLocation: 'middle', nameGap: 30, nameTextStyle: label(12) },
      ),
      yAxis: valueAxis('', {
        scale: true,
        axisLabel: { ...label(12), formatter: (value: number) => value.toFixed(2) },
      }),
      series: robustness.lostKnots.map(({ contestant, macroF1 }) => ({
        type: 'line',
        name: sideName(contestant),
        symbol: 'circle',
        symbolSize: 7,
        lineStyle: { color: sideColour(contestant), width: 2 },
        itemStyle: { color: sideColour(contestant) },
        data: macroF1,
      })),
    } as unknown as ChartPlan['option'],
  }
}

/** How much of some data looks new to the neural CDE. */
export function noveltyChart(checks: readonly { readonly data: string; readonly share: number }[]): ChartPlan {
  return {
    name: 'novelty',
    title: 'Hours that look new to the neural CDE',
    note: 'Share of windows whose hidden state lies further out than 99 % of those that it was trained on (Mahalanobis distance). 1 % is ordinary.',
    size: { width: HALF.width, height: 70 + checks.length * 40 },
    option: {
      ...baseOption(),
      grid: { left: NAME_ROOM + 6, right: 56, top: 6, bottom: 46 },
      xAxis: valueAxis('share of windows, %', { nameLocation: 'middle', nameGap: 28, min: 0, max: 100 }),
      yAxis: categoryAxis(
        checks.map(({ data }) => data),
        { inverse: true },
      ),
      series: [
        {
          type: 'bar',
          barWidth: 20,
          itemStyle: { color: ACCENT, borderRadius: [0, 2, 2, 0] },
          data: checks.map(({ share }) => share * 100),
          label: {
            show: true,
            position: 'right',
            ...label(12, INK.text),
            formatter: ({ value }: { value: unknown }) => format.share(Number(value) / 100),
          },
        },
      ],
    } as unknown as ChartPlan['option'],
  }
}

/** Share of hours given to each regime, beside the labels. */
export function occupancyPlan({ contestants, labels }: WalkForward): ChartPlan {
  const rows = [
    ...SHOWN.map((side) => ({ name: sideName(side), occupancy: contestants[side].occupancy })),
    { name: 'Labels', occupancy: labels.occupancy },
  ]
  return {
    name: 'occupancy',
    title: 'Occupancy: share of hours given to each regime',
    note: 'All folds, mean over seeds. No regime should hold under 10 %.',
    size: { width: HALF.width, height: 94 + rows.length * 36 },
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: NAME_ROOM, right: 24, top: 36, bottom: 46 },
      xAxis: valueAxis('share of hours, %', { nameLocation: 'middle', nameGap: 28, min: 0, max: 100 }),
      yAxis: categoryAxis(
        rows.map(({ name }) => name),
        { inverse: true },
      ),
      series: REGIMES.map((regime) => ({
        type: 'bar',
        name: regime,
        stack: 'share',
        barWidth: 20,
        itemStyle: { color: REGIME_COLOURS[regime], borderColor: INK.page, borderWidth: 1 },
        data: rows.map(({ occupancy }) => occupancy[regime] * 100),
        label: {
          show: true,
          ...label(12, '#ffffff'),
          formatter: ({ value }: { value: unknown }) => (Number(value) >= 6 ? `${Math.round(Number(value))}` : ''),
        },
      })),
    } as unknown as ChartPlan['option'],
  }
}

/** Changes of regime a day, beside those of the labels. */
export function churnPlan({ contestants, labels }: WalkForward): ChartPlan {
  const rows = [
    ...SHOWN.map((side) => ({
      name: sideName(side),
      value: contestants[side].all.churnPerDay.mean,
      colour: sideColour(side),
    })),
    { name: 'Labels', value: labels.churnPerDay, colour: INK.muted },
  ]
  return {
    name: 'churn',
    title: 'Churn: changes of regime a day',
    note: 'All folds, mean over seeds. Who changes his mind more often than the labels do pays for it in fees.',
    size: { width: HALF.width, height: 64 + rows.length * 36 },
    option: {
      ...baseOption(),
      grid: { left: NAME_ROOM, right: 48, top: 6, bottom: 46 },
      xAxis: valueAxis('changes a day and coin', { nameLocation: 'middle', nameGap: 28, min: 0 }),
      yAxis: categoryAxis(
        rows.map(({ name }) => name),
        { inverse: true },
      ),
      series: [
        {
          type: 'bar',
          barWidth: 18,
          data: rows.map(({ value, colour }) => ({ value, itemStyle: { color: colour, borderRadius: [0, 2, 2, 0] } })),
          label: {
            show: true,
            position: 'right',
            ...label(12, INK.text),
            formatter: ({ value }: { value: unknown }) => format.decimal(Number(value)),
          },
        },
      ],
    } as unknown as ChartPlan['option'],
  }
}
