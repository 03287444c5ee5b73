import { REGIMES } from '#models/regime.ts'
import type { ModelScore } from '../../evaluation.ts'
import { count, modelName } from '../format.ts'
import type { ChartPlan } from './render.ts'
import { baseOption, categoryAxis, INK, label } from './theme.ts'

/** From white-blue to the palette's blue: one hue, lightness carries the value. */
const RAMP = ['#eef5fa', '#a9cfe6', '#4f9dcb', '#0072b2', '#00476f']
/** Text on a light cell; not of the inks that a dark screen turns over, as the cells stay what they are. */
const DARK_INK = '#20242a'
/** Shares above this get white text. */
const DARK_FROM = 0.45

/** One model's confusion matrix, each row as shares of the true regime, with the counts. */
export function confusionChart(model: string, { confusion }: ModelScore): ChartPlan {
  const cells = confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, value) => sum + value, 0)
    return row.map((value, predicted) => {
      const share = total === 0 ? Number.NaN : value / total
      const text = Number.isNaN(share) ? '–' : `{share|${Math.round(share * 100)} %}\n${count(value)}`
      const colour = share > DARK_FROM ? '#ffffff' : DARK_INK
      return {
        value: [predicted, truth, Number.isNaN(share) ? 0 : share],
        label: {
          formatter: text,
          ...label(12, colour),
          lineHeight: 17,
          rich: { share: { ...label(16, colour), fontWeight: 600, lineHeight: 21 } },
        },
      }
    })
  })
  return {
    name: `confusion-${slug(model)}`,
    title: modelName(model),
    size: { width: 280, height: 256 },
    option: {
      ...baseOption(),
      grid: { left: 74, right: 2, top: 2, bottom: 44 },
      xAxis: categoryAxis(REGIMES, {
        name: 'Predicted',
        nameLocation: 'middle',
        nameGap: 30,
        nameTextStyle: label(12),
      }),
      yAxis: categoryAxis(REGIMES, {
        inverse: true,
        name: 'Label',
        nameLocation: 'middle',
        nameGap: 60,
        nameTextStyle: label(12),
      }),
      visualMap: { show: false, min: 0, max: 0.9, inRange: { color: RAMP } },
      series: [
        {
          type: 'heatmap',
          data: cells,
          label: { show: true },
          itemStyle: { borderColor: INK.page, borderWidth: 2 },
        },
      ],
    } as ChartPlan['option'],
  }
}

/** A model's name as part of an id. */
export function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}
