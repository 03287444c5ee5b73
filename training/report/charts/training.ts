import type { ReportData } from '../data.ts'
import { score } from '../format.ts'
import type { ChartPlan } from './render.ts'
import { ACCENT, baseOption, HALF, INK, label, legend, nameAbove, valueAxis } from './theme.ts'

/** Loss of the CDE on training and validation fold, epoch by epoch, with the epoch that was kept. */
export function trainingChart({ epochs, bestEpoch }: ReportData['training']['cde']): ChartPlan {
  const best = epochs.find(({ epoch }) => epoch === bestEpoch)
  return {
    name: 'training',
    title: 'Training of the neural CDE',
    note: 'Cross-entropy of each epoch; the dot marks the epoch that was kept.',
    size: { ...HALF, height: 360 },
    option: {
      ...baseOption(),
      legend: legend([
        { name: 'Training fold', icon: 'roundRect' },
        { name: 'Validation fold', icon: 'roundRect' },
      ]),
      grid: { left: 52, right: 16, top: 58, bottom: 46 },
      xAxis: valueAxis('epoch', {
        nameLocation: 'middle',
        nameGap: 28,
        minInterval: 1,
        min: 'dataMin',
        max: 'dataMax',
        splitLine: { show: false },
        axisLine: { show: true, lineStyle: { color: INK.line } },
      }),
      yAxis: valueAxis('loss, nats', { scale: true, ...nameAbove(52) }),
      series: [
        {
          type: 'line',
          name: 'Training fold',
          symbol: 'none',
          color: INK.muted,
          lineStyle: { width: 2, type: 'dashed' },
          data: epochs.map(({ epoch, trainLoss }) => [epoch, trainLoss]),
        },
        {
          type: 'line',
          name: 'Validation fold',
          symbol: 'none',
          color: ACCENT,
          lineStyle: { width: 2 },
          data: epochs.map(({ epoch, validationLoss }) => [epoch, validationLoss]),
          markPoint: best && {
            symbol: 'circle',
            symbolSize: 10,
            data: [{ coord: [best.epoch, best.validationLoss] }],
            label: {
              show: true,
              position: 'top',
              formatter: `kept: epoch ${best.epoch}, ${score(best.validationLoss)}`,
              ...label(12, INK.text),
            },
          },
        },
      ],
    } as ChartPlan['option'],
  }
}
