import type { WhyAnswer } from '#jobs/trading/why.ts'
import { REGIMES } from '#models/regime.ts'
import type { Story } from '#src/decision.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { decimal, layOut } from '../table.ts'

const SIDE = { 1: 'long', 0: 'no side', [-1]: 'short' } as const
const time = (at: number) => new Date(at).toISOString().slice(0, 16).replace('T', ' ')
const basisPoints = (share: number) => `${(1e4 * share).toFixed(2)} bp`
const dollars = (micro: number) => `${micro < 0 ? '−' : ''}${(Math.abs(micro) / 1e6).toFixed(2)} dollars`

/** The story of a decision, for people. */
export function describeWhy({ ledger, story, outcome, openedBy, position, protections }: WhyAnswer): string {
  const lines = [headline(story), '', ...seen(story), '', ...said(story), ...weighed(story), ...against(story)]
  for (const remark of story.remarks ?? []) lines.push(`  remark: ${remark}`)
  for (const event of protections) {
    if (event.kind !== 'protection') continue
    const until = event.until === null ? 'until it is lifted' : `until ${time(event.until)}`
    lines.push(`  in force: ${event.protection} (${event.scope}), set by ${event.setBy} ${until}: ${event.reason}`)
  }
  if (outcome.length > 0) lines.push('', 'What came of it', ...outcome.map((event) => `  ${happened(event)}`))
  if (position !== undefined) {
    const { size, openedAt, holdUntil, funding, fees } = position
    lines.push(
      '',
      `Position: ${size} ${story.coin} since ${time(openedAt)}, to be held until ${time(holdUntil)}; ` +
        `funding so far ${dollars(funding)}, fees ${dollars(fees)}`,
    )
  }
  if (openedBy !== undefined) lines.push('', 'It was opened so:', '', ...describeOpening(openedBy))
  return [...lines, '', `ledger: ${ledger}`].join('\n')
}

function describeOpening(story: Story): string[] {
  return [headline(story), '', ...seen(story), '', ...said(story), ...weighed(story), ...against(story)]
}

function headline({ asOf, coin, action, direction, conviction, exit, size }: Story): string {
  const side = SIDE[direction]
  const about: Record<Story['action'], string> = {
    none: 'nothing to decide',
    reject: `${side} turned down`,
    open: `${side} opened`,
    close: `${side} closed: ${exit}`,
    renew: `${side} held for longer`,
    hold: `${side} held`,
    wait: 'an order is on its way',
  }
  const sized =
    size === undefined ? '' : `, ${size.coins} ${coin} (${size.dollars.toFixed(2)} dollars, by ${size.boundBy})`
  const strength = conviction > 0 ? `, conviction ${decimal(conviction)}` : ''
  return `${coin} at ${time(asOf)} UTC: ${about[action]}${sized}${strength}`
}

function seen({ bar, regime }: Story): string[] {
  const known = (value: number | null) => (value === null ? 'unknown' : String(value))
  return [
    'What was seen',
    bar === null
      ? '  no bar was closed at this hour'
      : `  bar of ${time(bar.openTime)}: open ${known(bar.open)}, high ${known(bar.high)}, low ${known(bar.low)}, ` +
        `close ${known(bar.close)}, volume ${known(bar.volume)}, funding ${known(bar.funding)} an hour, ` +
        `open interest ${known(bar.openInterest)}`,
    regime === null
      ? '  regime: no estimate'
      : `  regime: ${REGIMES.map((name, k) => `${name} ${decimal(regime[k])}`).join(', ')}`,
  ]
}

function said({ scans, contributions }: Story): string[] {
  const rows = scans.map((scan) => {
    const part = contributions.find(({ source }) => source === scan.source)
    const share =
      part === undefined ? ['-', '-', '-'] : [part.weight, part.regimeScale, part.value].map((v) => decimal(v))
    if ('unavailable' in scan) return [scan.source, 'unavailable', '-', ...share]
    return [scan.source, SIDE[scan.direction], decimal(scan.strength), ...share]
  })
  const table = layOut([['scanner', 'says', 'strength', 'weight', 'regime', 'adds'], ...rows])
  const evidence = scans.map(
    (scan) => `  ${scan.source}: ${'unavailable' in scan ? scan.unavailable : tell(scan.evidence)}`,
  )
  return ['What the scanners said', ...table.split('\n').map((line) => `  ${line}`), '', ...evidence, '']
}

function tell(evidence: Readonly<Record<string, number | string | null>>): string {
  const value = (name: string, of: number | string | null) => {
    if (typeof of !== 'number') return of ?? 'unknown'
    if (name.endsWith('At')) return time(of)
    return Number.isInteger(of) ? of : Number(of.toPrecision(5))
  }
  return Object.entries(evidence)
    .map(([name, of]) => `${name} ${value(name, of)}`)
    .join(', ')
}

function weighed({ edge, signFlip, horizonHours }: Story): string[] {
  const lines: string[] = []
  if (edge !== undefined) {
    lines.push(
      `  expected over ${horizonHours ?? '?'} h: funding ${basisPoints(edge.funding)}, reversion ` +
        `${basisPoints(edge.reversion)}, cost ${basisPoints(edge.cost)}: net ${basisPoints(edge.net)}`,
    )
  }
  if (signFlip !== undefined) {
    lines.push(`  funding turns before it has paid the costs: ${(100 * signFlip).toFixed(0)} %`)
  }
  return lines.length > 0 ? ['What it was worth', ...lines, ''] : []
}

function against({ reasons, action }: Story): string[] {
  if (reasons.length === 0) return action === 'open' ? ['Nothing spoke against it'] : []
  return ['What spoke against it', ...reasons.map(({ gate, message }) => `  ${gate}: ${message}`)]
}

function happened(event: LedgerEvent): string {
  switch (event.kind) {
    case 'intent':
      return `${time(event.time)} order ${event.order.size} ${event.coin}, limit ${event.order.limitPrice}, ${event.order.timeInForce}, decided at ${event.referencePrice}`
    case 'order':
      return `${time(event.time)} ${event.status}${event.message === undefined ? '' : `: ${event.message}`}`
    case 'fill':
      return `${new Date(event.time).toISOString().slice(0, 19).replace('T', ' ')} filled ${event.size} at ${event.price} (${event.liquidity}), fee ${dollars(event.fee)}, slippage ${dollars(event.slippage)}`
    default:
      return `${time(event.time)} ${event.kind}`
  }
}
