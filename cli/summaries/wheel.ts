import type { WheelRunSummary, WheelSummary } from '#jobs/pipeline/wheel.ts'
import { layOut, minute } from '../table.ts'
import { describeInference } from './infer.ts'

/** Dollars with their sign: `+12.34 $`. */
function dollars(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)} $`
}

/** The wheel's balance in a line. */
export function describeWheel({ decisions, trades, realised, funding, fees, equityChange }: WheelSummary): string {
  const parts = `realised ${dollars(realised)}, funding ${dollars(funding)}, fees ${dollars(-fees)}`
  return `${decisions} decisions, ${trades} trades: ${dollars(equityChange)} = ${parts}`
}

/** What the strategy would have done, in all and coin by coin. */
export function describeWheelRun({ source, range, inference, wheel, perCoin }: WheelRunSummary): string {
  const rows = Object.entries(perCoin).map(([coin, { trades, wins, realised, funding, fees, equityChange }]) => [
    coin,
    trades,
    wins,
    ...[realised, funding, -fees, equityChange].map((value) => value.toFixed(2)),
  ])
  const table = layOut([['coin', 'trades', 'wins', 'realised', 'funding', 'fees', 'change ($)'], ...rows])
  const refused = Object.entries(wheel.rejections).map(([gate, count]) => `${gate} ${count}`)
  const facts = layOut([
    ['data', `${source}, ${minute(range.from)} to ${minute(range.to)}`],
    ['fleet', describeInference(inference)],
    ['refused', refused.join(', ') || 'nothing'],
    ['wheel', describeWheel(wheel)],
  ])
  return `${table}\n\n${facts}`
}
