import type { Evaluation } from '../../evaluation.ts'
import { modelName } from '../format.ts'
import type { ChartPlan } from './render.ts'
import { churnBars, occupancyBars } from './stability-bars.ts'
import { INK, legend, modelColour } from './theme.ts'

const LABELS = 'Labels'
const LAYOUT = { nameRoom: 96, rowHeight: 40 }

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
  return churnBars(rows, {
    ...LAYOUT,
    note: 'A model that changes its mind more often than the labels do pays for it in fees.',
  })
}

/** How the hours are shared out among the regimes, beside the labels. */
export function occupancyChart({ models, labels }: Evaluation): ChartPlan {
  const rows = [
    ...Object.entries(models).map(([model, { occupancy }]) => ({ name: modelName(model), occupancy })),
    { name: LABELS, occupancy: labels.occupancy },
  ]
  return occupancyBars(rows, {
    ...LAYOUT,
    note: 'A model far from the labels has given up a regime, or sees one everywhere.',
    legend: legend(),
  })
}
