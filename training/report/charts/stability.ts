import { REGIMES } from '#models/regime.ts'
import type { Evaluation } from '../../evaluation.ts'
import { decimal, modelName } from '../format.ts'
import type { ChartPlan } from './render.ts'
import { baseOption, categoryAxis, HALF, INK, label, legend, modelColour, REGIME_COLOURS, valueAxis } from './theme.ts'

const LABELS = 'Labels'

/** Changes of regime a day, beside those of the labels. */
export function churnChart({ models, labels }: Evaluation): ChartPlan {
  const rows = [
    ...Object.entries(models).map(([model, { churnPerDay }]) => ({
      name: modelName(model),
      value: churnPerDay,
      colour: modelColour(model),
    })),
    { name: LABELS, value: labels.churnPerDay, colour: INK.muted },
  ]
  return {
    name: 'churn',
    title: 'Churn: changes of regime a day',
    note: 'A model that changes its mind more often than the labels do pays for it in fees.',
    size: { width: HALF.width, height: 64 + rows.length * 40 },
    option: {
      ...baseOption(),
      grid: { left: 96, right: 48, top: 6, bottom: 46 },
      xAxis: valueAxis('changes a day and coin', { nameLocation: 'middle', nameGap: 28, min: 0 }),
      yAxis: categoryAxis(
        rows.map(({ name }) => name),
        { inverse: true },
      ),
      series: [
        {
          type: 'bar',
          barWidth: 20,
          data: rows.map(({ value, colour }) => ({ value, itemStyle: { color: colour, borderRadius: [0, 2, 2, 0] } })),
          label: {
            show: true,
            position: 'right',
            ...label(12, INK.text),
            formatter: ({ value }: { value: unknown }) => decimal(Number(value)),
          },
        },
      ],
    } as ChartPlan['option'],
  }
}

/** How the hours are shared out among the regimes, beside the labels. */
export function occupancyChart({ models, labels }: Evaluation): ChartPlan {
  const rows = [
    ...Object.entries(models).map(([model, { occupancy }]) => ({ name: modelName(model), occupancy })),
    { name: LABELS, occupancy: labels.occupancy },
  ]
  return {
    name: 'occupancy',
    title: 'Occupancy: share of hours given to each regime',
    note: 'A model far from the labels has given up a regime, or sees one everywhere.',
    size: { width: HALF.width, height: 94 + rows.length * 40 },
    option: {
      ...baseOption(),
      legend: legend(),
      grid: { left: 96, right: 24, top: 36, bottom: 46 },
      xAxis: valueAxis('share of hours, %', { nameLocation: 'middle', nameGap: 28, min: 0, max: 100 }),
      yAxis: categoryAxis(
        rows.map(({ name }) => name),
        { inverse: true },
      ),
      series: REGIMES.map((regime) => ({
        type: 'bar' as const,
        name: regime,
        stack: 'share',
        barWidth: 22,
        itemStyle: { color: REGIME_COLOURS[regime], borderColor: INK.page, borderWidth: 1 },
        data: rows.map(({ occupancy }) => occupancy[regime] * 100),
        label: {
          show: true,
          ...label(12, '#ffffff'),
          formatter: ({ value }: { value: unknown }) => (Number(value) >= 6 ? `${Math.round(Number(value))}` : ''),
        },
      })),
    } as ChartPlan['option'],
  }
}
