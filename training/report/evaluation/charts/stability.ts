import { REGIMES } from '#models/regime.ts'
import type { WalkForward } from '../../../walk-forward/result.ts'
import type { ChartPlan } from '../../charts/render.ts'
import { baseOption, categoryAxis, HALF, INK, label, REGIME_COLOURS, valueAxis } from '../../charts/theme.ts'
import * as format from '../../format.ts'
import { SHOWN, sideColour, sideName } from '../names.ts'
import { NAME_ROOM, roomyLegend } from './parts.ts'

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
