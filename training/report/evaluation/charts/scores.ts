import type { WalkForward } from '../../../walk-forward/result.ts'
import type { Spread } from '../../../walk-forward/spread.ts'
import type { ChartPlan } from '../../charts/render.ts'
import { baseOption, categoryAxis, FULL, HALF, INK, label, valueAxis } from '../../charts/theme.ts'
import { EACH, sideColour, sideName } from '../names.ts'
import { roomyLegend, whiskers } from './parts.ts'

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
