import { REGIMES } from '#models/regime.ts'
import type { WalkForward } from '../../../walk-forward/result.ts'
import type { ChartPlan } from '../../charts/render.ts'
import { ACCENT, baseOption, categoryAxis, HALF, INK, label, REGIME_COLOURS, valueAxis } from '../../charts/theme.ts'
import * as format from '../../format.ts'
import { sideColour, sideName } from '../names.ts'
import { NAME_ROOM, roomyLegend } from './parts.ts'

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
