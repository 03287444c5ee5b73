import { REGIMES, type Regime } from '#models/regime.ts'
import { decimal } from '../format.ts'
import type { ChartPlan } from './render.ts'
import { baseOption, categoryAxis, HALF, INK, label, REGIME_COLOURS, valueAxis } from './theme.ts'

/** What a page decides about bars with names at their left. */
export interface BarLayout {
  readonly note: string
  /** Room for the names, and height of a row, pixels. */
  readonly nameRoom: number
  readonly rowHeight: number
}

/** Changes of regime a day, a bar a row. */
export function churnBars(
  rows: readonly { readonly name: string; readonly value: number; readonly colour: string }[],
  { note, nameRoom, rowHeight }: BarLayout,
): ChartPlan {
  return {
    name: 'churn',
    title: 'Churn: changes of regime a day',
    note,
    size: { width: HALF.width, height: 64 + rows.length * rowHeight },
    option: {
      ...baseOption(),
      grid: { left: nameRoom, right: 48, top: 6, bottom: 46 },
      xAxis: valueAxis('changes a day and coin', { nameLocation: 'middle', nameGap: 28, min: 0 }),
      yAxis: categoryAxis(
        rows.map(({ name }) => name),
        { inverse: true },
      ),
      series: [
        {
          type: 'bar',
          barWidth: rowHeight / 2,
          data: rows.map(({ value, colour }) => ({ value, itemStyle: { color: colour, borderRadius: [0, 2, 2, 0] } })),
          label: {
            show: true,
            position: 'right',
            ...label(12, INK.text),
            formatter: ({ value }: { value: unknown }) => decimal(Number(value)),
          },
        },
      ],
    } as unknown as ChartPlan['option'],
  }
}

/** How the hours are shared out among the regimes, a stacked bar a row. */
export function occupancyBars(
  rows: readonly { readonly name: string; readonly occupancy: Readonly<Record<Regime, number>> }[],
  { note, nameRoom, rowHeight, legend }: BarLayout & { readonly legend: object },
): ChartPlan {
  return {
    name: 'occupancy',
    title: 'Occupancy: share of hours given to each regime',
    note,
    size: { width: HALF.width, height: 94 + rows.length * rowHeight },
    option: {
      ...baseOption(),
      legend,
      grid: { left: nameRoom, right: 24, top: 36, bottom: 46 },
      xAxis: valueAxis('share of hours, %', { nameLocation: 'middle', nameGap: 28, min: 0, max: 100 }),
      yAxis: categoryAxis(
        rows.map(({ name }) => name),
        { inverse: true },
      ),
      series: REGIMES.map((regime) => ({
        type: 'bar',
        name: regime,
        stack: 'share',
        barWidth: rowHeight / 2 + 2,
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
