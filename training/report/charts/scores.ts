import { REGIMES } from '#models/regime.ts'
import type { Evaluation } from '../../evaluation.ts'
import { modelName, score } from '../format.ts'
import type { ChartPlan } from './render.ts'
import { baseOption, categoryAxis, FULL, HALF, INK, label, legend, modelColour, valueAxis } from './theme.ts'

/** Grouped bars: F1 of each class and macro-F1, a bar a model. */
export function classScoreChart({ models, optimum }: Evaluation): ChartPlan {
  const names = Object.keys(models).sort((a, b) => models[b].macroF1 - models[a].macroF1)
  const groups = ['Macro-F1', ...REGIMES.map((regime) => `F1 ${regime}`)]
  const series = names.map((model) => {
    const { macroF1, f1 } = models[model]
    return {
      type: 'bar' as const,
      name: modelName(model),
      itemStyle: { color: modelColour(model), borderRadius: [2, 2, 0, 0] },
      barGap: '12%',
      barCategoryGap: '26%',
      label: {
        show: true,
        // The line of the best possible runs above the bars: numbers there would be struck through.
        position: optimum ? ('insideTop' as const) : ('top' as const),
        formatter: ({ value }: { value: unknown }) => score(Number(value)).replace(/^0/, ''),
        ...label(12, INK.text),
      },
      data: [macroF1, ...REGIMES.map((regime) => f1[regime])],
    }
  })
  const best = optimum && {
    type: 'scatter' as const,
    name: 'Best possible',
    symbol: 'rect',
    symbolSize: [206, 2],
    itemStyle: { color: INK.muted },
    data: [optimum.macroF1, ...REGIMES.map((regime) => optimum.f1[regime])],
  }
  return {
    name: 'f1',
    title: 'F1 of each model, overall and by regime',
    note: 'Higher is better; 1 is perfect. Macro-F1 is the plain mean of the three classes, models in its order.',
    size: { width: FULL.width, height: 340 },
    option: {
      ...baseOption(),
      legend: legend(),
      grid: { left: 44, right: 8, top: 48, bottom: 30 },
      xAxis: categoryAxis(groups),
      yAxis: valueAxis('', {
        min: 0,
        max: (extent: { max: number }) => Math.min(1, Math.ceil(extent.max * 5 + 0.25) / 5),
      }),
      series: best ? [...series, best] : series,
    } as ChartPlan['option'],
  }
}

/** A dot a model for every coin: who wins where, and by how much. */
export function coinScoreChart({ models, coins }: Evaluation): ChartPlan {
  const names = Object.keys(models)
  const series = names.map((model) => ({
    type: 'scatter' as const,
    name: modelName(model),
    symbolSize: 13,
    itemStyle: { color: modelColour(model), borderColor: INK.page, borderWidth: 1, opacity: 1 },
    data: coins.map((coin) => [models[model].perCoin[coin].macroF1, coin]),
  }))
  return {
    name: 'coins',
    title: 'Macro-F1 on each coin',
    note: 'The dot furthest to the right wins the coin.',
    size: { width: HALF.width, height: 96 + coins.length * 34 },
    option: {
      ...baseOption(),
      legend: legend(),
      grid: { left: 12 + longest(coins) * 8.5, right: 20, top: 40, bottom: 46 },
      xAxis: valueAxis('Macro-F1', { nameLocation: 'middle', nameGap: 28, scale: true, boundaryGap: ['4%', '4%'] }),
      yAxis: categoryAxis(coins, { inverse: true, splitLine: { show: true, lineStyle: { color: INK.grid } } }),
      series,
    } as ChartPlan['option'],
  }
}

function longest(words: readonly string[]): number {
  return Math.min(12, Math.max(3, ...words.map((word) => word.length)))
}
