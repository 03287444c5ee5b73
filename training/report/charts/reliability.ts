import type { Evaluation } from '../../evaluation.ts'
import { modelName, score } from '../format.ts'
import type { ChartPlan } from './render.ts'
import { baseOption, HALF, INK, legend, modelColour, nameAbove, valueAxis } from './theme.ts'

/** Bins with fewer samples than this share are drawn hollow: their height is mostly chance. */
const THIN_BIN = 0.01

/** Reliability curves of all models: how often they were right against how sure they were. */
export function reliabilityChart({ models }: Evaluation): ChartPlan {
  const series = Object.entries(models).map(([model, { reliability, answered, ece }]) => ({
    type: 'line' as const,
    name: `${modelName(model)} (ECE ${score(ece)})`,
    lineStyle: { color: modelColour(model), width: 2 },
    itemStyle: { color: modelColour(model) },
    symbol: 'circle',
    symbolSize: 7,
    data: reliability
      .filter((bin) => bin.count > 0)
      .map((bin) => ({
        value: [bin.confidence, bin.accuracy],
        symbol: bin.count < answered * THIN_BIN ? 'emptyCircle' : 'circle',
      })),
  }))
  const diagonal = {
    type: 'line' as const,
    name: 'Perfect',
    symbol: 'none',
    lineStyle: { color: INK.muted, type: 'dashed' as const, width: 1 },
    itemStyle: { color: INK.muted },
    data: [
      [0.3, 0.3],
      [1, 1],
    ],
  }
  return {
    name: 'reliability',
    title: 'Reliability: how far stated confidence can be believed',
    note:
      'Above the dashed line a model is right more often than it says, below it less often. Top-label confidence in ' +
      '15 equal bins; hollow points hold under 1 % of the hours.',
    size: { width: HALF.width, height: 600 },
    option: {
      ...baseOption(),
      legend: legend(),
      grid: { left: 50, right: 16, top: 80, bottom: 48 },
      xAxis: valueAxis('Mean confidence', { min: 0.3, max: 1, nameLocation: 'middle', nameGap: 30 }),
      yAxis: valueAxis('Share right', { min: 0, max: 1, ...nameAbove(50) }),
      series: [diagonal, ...series],
    } as ChartPlan['option'],
  }
}
