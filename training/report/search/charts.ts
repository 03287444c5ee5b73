import type { EChartsOption } from 'echarts'
import type { Parameter } from '../../search/space.ts'
import { asLoss } from '../../search/trial.ts'
import type { ChartPlan } from '../charts/render.ts'
import { ACCENT, baseOption, FULL, INK, label, legend, nameAbove, valueAxis } from '../charts/theme.ts'
import type { SearchPage } from './data.ts'
import { brief } from './settings.ts'

type Trial = SearchPage['trials'][number]

const BEST = '#d55e00'
const COLUMNS = 3
const CELL = { width: FULL.width / COLUMNS, height: 210 } as const
const MARGIN = { left: 58, right: 22, top: 34, bottom: 34 } as const

/** The objective; of a pruned trial the best that it had when it was ended, where it had any. */
function reached({ value, curve }: Trial, direction: SearchPage['direction']): number {
  if (value !== undefined) return value
  const known = curve.filter((each) => !Number.isNaN(each))
  if (known.length === 0) return Number.NaN
  return direction === 'minimise' ? Math.min(...known) : Math.max(...known)
}

/** Trials with something to show, by state. */
function pointsOf({ trials, direction }: SearchPage) {
  const points = trials.map((trial) => ({ trial, value: reached(trial, direction) }))
  const known = points.filter(({ value }) => Number.isFinite(value))
  const of = (state: string) => known.filter(({ trial }) => trial.state === state)
  return { complete: of('complete'), pruned: of('pruned') }
}

/** Objective by trial, with the line of the best so far. */
export function historyChart(page: SearchPage): ChartPlan {
  const { complete, pruned } = pointsOf(page)
  const best: [number, number][] = []
  for (const { trial, value } of complete) {
    const before = best.at(-1)?.[1]
    const better = before === undefined || asLoss(page.direction, value) < asLoss(page.direction, before)
    best.push([trial.number, better ? value : (before as number)])
  }
  const last = page.trials.length - 1
  if (best.length > 0) best.push([last, best[best.length - 1][1]])
  const better = page.direction === 'minimise' ? 'lower' : 'higher'
  return {
    name: 'search-history',
    title: `Objective by trial: ${page.objective}`,
    note: `The ${better} the better. ${
      page.version
        ? 'Trials in which the wheel never traded have no ratio and are not drawn.'
        : 'Pruned trials stand at the best they had when they were ended.'
    }`,
    size: { width: FULL.width, height: 360 },
    option: {
      ...baseOption(),
      legend: legend([
        { name: 'Complete', icon: 'circle' },
        { name: 'Pruned', icon: 'circle' },
        { name: 'Best so far', icon: 'roundRect' },
      ]),
      grid: { left: 64, right: 20, top: 58, bottom: 46 },
      xAxis: valueAxis('trial', {
        nameLocation: 'middle',
        nameGap: 28,
        min: 0,
        max: Math.max(1, last),
        minInterval: 1,
        splitLine: { show: false },
        axisLine: { show: true, lineStyle: { color: INK.line } },
      }),
      yAxis: valueAxis(page.objective, { scale: true, ...nameAbove(64) }),
      series: [
        scatter(
          'Complete',
          ACCENT,
          complete.map(({ trial, value }) => [trial.number, value]),
        ),
        hollow(
          'Pruned',
          pruned.map(({ trial, value }) => [trial.number, value]),
        ),
        {
          type: 'line',
          name: 'Best so far',
          step: 'end',
          symbol: 'none',
          color: BEST,
          lineStyle: { width: 2 },
          data: best,
        },
      ],
    } as EChartsOption,
  }
}

/** A small picture a parameter: what was tried against what came of it. */
export function sliceChart(page: SearchPage): ChartPlan {
  const names = Object.keys(page.parameters)
  const { complete, pruned } = pointsOf(page)
  const rows = Math.ceil(names.length / COLUMNS)
  const grids = names.map((_, i) => ({
    left: (i % COLUMNS) * CELL.width + MARGIN.left,
    top: 30 + Math.floor(i / COLUMNS) * CELL.height + MARGIN.top,
    width: CELL.width - MARGIN.left - MARGIN.right,
    height: CELL.height - MARGIN.top - MARGIN.bottom,
  }))
  const at = (name: string, points: typeof complete) =>
    points.flatMap(({ trial, value }) => {
      const tried = trial.parameters[name]
      return tried === undefined ? [] : [[typeof tried === 'number' ? tried : String(tried), value]]
    })
  const series = names.flatMap((name, i) => {
    const here = { xAxisIndex: i, yAxisIndex: i }
    const categorical = page.parameters[name].kind === 'categorical'
    const asX = (points: (number | string)[][]) => (categorical ? points.map(([x, y]) => [String(x), y]) : points)
    const chosen = complete.filter(({ trial }) => trial.number === page.best.number)
    return [
      { ...hollow('Pruned', asX(at(name, pruned))), ...here, symbolSize: 7 },
      { ...scatter('Complete', ACCENT, asX(at(name, complete))), ...here, symbolSize: 7 },
      { ...scatter('Best', BEST, asX(at(name, chosen))), ...here, symbolSize: 11 },
    ]
  })
  return {
    name: 'search-slices',
    title: 'What each setting did',
    note: 'One picture a setting: the value tried against the objective. A flat cloud is a setting that hardly matters.',
    size: { width: FULL.width, height: 36 + rows * CELL.height },
    option: {
      ...baseOption(),
      legend: legend([
        { name: 'Complete', icon: 'circle' },
        { name: 'Pruned', icon: 'circle' },
        { name: 'Best', icon: 'circle' },
      ]),
      grid: grids,
      title: names.map((name, i) => ({
        text: name.split('.').slice(1).join(' '),
        left: grids[i].left,
        top: grids[i].top - 26,
        padding: 0,
        textStyle: { ...label(12, INK.text), fontWeight: 600 },
      })),
      xAxis: names.map((name, i) => ({ ...axisOf(page.parameters[name]), gridIndex: i })),
      yAxis: names.map((_, i) => ({ ...valueAxis('', { scale: true, splitNumber: 3 }), gridIndex: i })),
      series,
    } as EChartsOption,
  }
}

function axisOf(parameter: Parameter) {
  const shared = { splitLine: { show: false }, axisLine: { show: true, lineStyle: { color: INK.line } } }
  if (parameter.kind === 'categorical') {
    return { ...valueAxis('', shared), type: 'category' as const, data: parameter.choices.map(String) }
  }
  const { low, high, log } = parameter
  // Bounds such as 8 and 64 would stand beside the round numbers that the axis counts in.
  const ends = log === true || parameter.kind === 'float'
  const axisLabel = { ...label(12), formatter: brief, hideOverlap: true, showMinLabel: ends, showMaxLabel: ends }
  return valueAxis('', { ...shared, axisLabel, min: low, max: high, ...(log ? { type: 'log' } : { splitNumber: 4 }) })
}

function scatter(name: string, color: string, data: unknown[]) {
  return { type: 'scatter' as const, name, symbolSize: 9, color, data }
}

function hollow(name: string, data: unknown[]) {
  const itemStyle = { color: INK.page, borderColor: INK.muted, borderWidth: 1.4 }
  return { type: 'scatter' as const, name, symbol: 'circle', symbolSize: 8, itemStyle, data }
}
