import type { WheelRecord } from '../data.ts'
import { usd } from '../format.ts'
import type { ChartPlan } from './render.ts'
import { ACCENT, baseOption, categoryAxis, HALF, INK, label, nameAbove, SIGN_COLOURS, valueAxis } from './theme.ts'
import { thin } from './thin.ts'
import { timeAxis } from './time-axis.ts'

/** Equity of the wheel over the test period. */
export function equityChart({ equity, equityChange, trades }: WheelRecord): ChartPlan {
  const kept = thin(equity.value, 800)
  const came = `equity ${equityChange < 0 ? 'lost' : 'gained'} ${usd(Math.abs(equityChange))} USD on paper`
  return {
    name: 'equity',
    title: `Wheel: ${trades === 0 ? 'nothing was worth opening' : came}`,
    note: 'Simulated positions on the paper exchange: latency, spread and depth, fees and hourly funding. No money was moved.',
    size: { ...HALF, height: 360 },
    option: {
      ...baseOption(),
      grid: { left: 70, right: 16, top: 34, bottom: 30 },
      xAxis: timeAxis(equity.time[0], equity.time.at(-1) as number, 7),
      yAxis: valueAxis('USD', { scale: true, ...nameAbove(70) }),
      series: [
        {
          type: 'line',
          symbol: 'none',
          color: ACCENT,
          lineStyle: { width: 1.6 },
          data: Array.from(kept, (i) => [equity.time[i], equity.value[i]]),
          markLine: {
            silent: true,
            symbol: 'none',
            label: { show: true, formatter: 'start', position: 'insideEndTop', ...label(12) },
            lineStyle: { color: INK.muted, type: 'dashed', width: 1 },
            data: equity.value.length > 0 ? [{ yAxis: equity.value[0] }] : [],
          },
        },
      ],
    } as ChartPlan['option'],
  }
}

/** Net result of each coin: realised + funding - fees. */
export function wheelCoinChart({ perCoin }: WheelRecord): ChartPlan {
  const rows = perCoin.map(({ coin, realised, funding, fees }) => ({ coin, net: realised + funding - fees }))
  return {
    name: 'wheel-coins',
    title: 'Wheel: net result of each coin',
    note: 'Realised + funding − fees, in USD.',
    size: { width: HALF.width, height: 64 + rows.length * 34 },
    option: {
      ...baseOption(),
      grid: { left: 60, right: 30, top: 6, bottom: 46 },
      // Room at both ends for the figures beside the bars.
      xAxis: valueAxis('USD', {
        nameLocation: 'middle',
        nameGap: 28,
        min: ({ min, max }: Extent) => (min < 0 ? nice(min - ROOM * spanOf(min, max)) : 0),
        max: ({ min, max }: Extent) => (max > 0 ? nice(max + ROOM * spanOf(min, max)) : 0),
      }),
      yAxis: categoryAxis(
        rows.map(({ coin }) => coin),
        { inverse: true, axisLine: { show: false } },
      ),
      series: [
        {
          type: 'bar',
          barWidth: 18,
          data: rows.map(({ net }) => ({
            value: net,
            itemStyle: { color: net < 0 ? SIGN_COLOURS.negative : SIGN_COLOURS.positive },
            label: {
              show: true,
              position: net < 0 ? 'left' : 'right',
              formatter: usd(net),
              ...label(12, INK.text),
            },
          })),
        },
      ],
    } as ChartPlan['option'],
  }
}

interface Extent {
  readonly min: number
  readonly max: number
}

/** Share of the axis that the figure beside a bar takes: of all of it, also where the bar itself is short. */
const ROOM = 0.2

/** From the least to the greatest value, zero between them. */
function spanOf(min: number, max: number): number {
  return Math.max(0, max) - Math.min(0, min)
}

/** Away from zero to two digits, so that an axis does not end at 103.4281. */
function nice(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1)
  return (value < 0 ? Math.floor(value / unit) : Math.ceil(value / unit)) * unit
}
