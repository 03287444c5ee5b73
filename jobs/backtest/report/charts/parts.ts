import { INK, legend } from '#training/report/charts/theme.ts'
import { thin } from '#training/report/charts/thin.ts'

/** Colours of Okabe and Ito, as everywhere in the reports, for what makes profit and loss. */
export const PART_COLOURS = {
  price: '#56b4e9',
  funding: '#009e73',
  fees: '#d55e00',
  slippage: '#cc79a7',
} as const

const SOURCE_COLOURS: Readonly<Record<string, string>> = {
  'ou-funding': '#009e73',
  'kalman-funding': '#0072b2',
  'cross-section': '#e69f00',
  breakout: '#d55e00',
  flow: '#cc79a7',
}

/** A scanner's colour in every chart; grey for one that has none of its own. */
export const sourceColour = (source: string): string => SOURCE_COLOURS[source] ?? '#8a9099'

/** Names here are longer than the drawing library takes them for. */
export const roomyLegend = (data?: readonly { name: string; icon?: string }[]) => ({ ...legend(data), itemGap: 26 })

const POINTS = 700

/** Points of a long series that keep its spikes. */
export function points(time: readonly number[], value: readonly number[], limit = POINTS): [number, number][] {
  return Array.from(thin(value, limit), (i) => [time[i], value[i]])
}

/** A plain line over time. */
export function line(
  name: string,
  colour: string,
  data: readonly (readonly [number, number])[],
  style: { readonly width?: number; readonly type?: 'dashed' | 'solid'; readonly z?: number } = {},
) {
  return {
    type: 'line' as const,
    name,
    symbol: 'none',
    color: colour,
    lineStyle: { width: style.width ?? 1.6, type: style.type ?? 'solid', color: colour },
    z: style.z ?? 2,
    data: data.map((point) => [...point]),
  }
}

/** A dashed line at zero. */
export const zeroLine = (axis: 'x' | 'y') => ({
  silent: true,
  symbol: 'none',
  label: { show: false },
  lineStyle: { color: INK.muted, type: 'dashed' as const, width: 1 },
  data: [axis === 'x' ? { xAxis: 0 } : { yAxis: 0 }],
})

/** Shares as percent on an axis, without needless digits. */
export const percentTick = (value: number): string =>
  `${value < 0 ? '−' : ''}${Math.abs(Math.round(value * 1e4) / 100)} %`
