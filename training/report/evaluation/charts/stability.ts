import type { WalkForward } from '../../../walk-forward/result.ts'
import type { ChartPlan } from '../../charts/render.ts'
import { churnBars, occupancyBars } from '../../charts/stability-bars.ts'
import { INK } from '../../charts/theme.ts'
import { SHOWN, sideColour, sideName } from '../names.ts'
import { NAME_ROOM, roomyLegend } from './parts.ts'

const LAYOUT = { nameRoom: NAME_ROOM, rowHeight: 36 }

/** Share of hours given to each regime, beside the labels. */
export function occupancyPlan({ contestants, labels }: WalkForward): ChartPlan {
  const rows = [
    ...SHOWN.map((side) => ({ name: sideName(side), occupancy: contestants[side].occupancy })),
    { name: 'Labels', occupancy: labels.occupancy },
  ]
  return occupancyBars(rows, {
    ...LAYOUT,
    note: 'All folds, mean over seeds. No regime should hold under 10 %.',
    legend: roomyLegend(),
  })
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
  return churnBars(rows, {
    ...LAYOUT,
    note: 'All folds, mean over seeds. Who changes his mind more often than the labels do pays for it in fees.',
  })
}
