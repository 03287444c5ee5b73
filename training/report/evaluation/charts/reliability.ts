import type { WalkForward } from '../../../walk-forward/result.ts'
import type { ChartPlan } from '../../charts/render.ts'
import { baseOption, HALF, INK, nameAbove, valueAxis } from '../../charts/theme.ts'
import * as format from '../../format.ts'
import { EACH, sideColour, sideName } from '../names.ts'
import { roomyLegend } from './parts.ts'

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
