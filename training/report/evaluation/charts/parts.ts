import { legend } from '../../charts/theme.ts'

/** Room for the longest name of a contestant at the left of a chart. */
export const NAME_ROOM = 128

/** Names here are longer than the drawing library takes them for. */
export const roomyLegend = () => ({ ...legend(), itemGap: 26 })

/** A dot with a whisker from `low` to `high` beside it, along the vertical (`x` given) or the horizontal axis. */
export function whiskers(
  points: readonly { at: number; low: number; high: number; colour: string }[],
  vertical: boolean,
) {
  return {
    type: 'custom' as const,
    silent: true,
    renderItem: (_: unknown, api: { coord: (p: number[]) => number[]; value: (i: number) => number }) => {
      const at = api.value(0)
      const point = points[api.value(3)]
      const [from, to] = [api.value(1), api.value(2)].map((value) => api.coord(vertical ? [at, value] : [value, at]))
      const shape = { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }
      return { type: 'line', shape, style: { stroke: point.colour, lineWidth: 2 } }
    },
    data: points.map(({ at, low, high }, i) => [at, low, high, i]),
    // Which of these stretch which axis.
    encode: vertical ? { x: 0, y: [1, 2] } : { x: [1, 2], y: 0 },
    z: 1,
  }
}
