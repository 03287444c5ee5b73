import type { LedgerExport, LedgerShown } from '#jobs/trading/ledger.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { layOut, minute } from '../table.ts'

const dollars = (value: number) => value.toFixed(2)
const micro = (value: number) => `${(value / 1e6).toFixed(2)} dollars`

/** What a ledger comes to, for people. */
export function describeLedger(shown: LedgerShown): string {
  const { ledger, events, asOf, equity, cash, deposits, positions, results, last } = shown
  const when = asOf === null ? 'before the first hour' : `as of ${minute(asOf)} UTC`
  const lines = [
    `${events} events, ${when}`,
    `equity ${dollars(equity)} dollars (deposits ${dollars(deposits)}, cash ${dollars(cash)})`,
  ]
  if (positions.length > 0) {
    const rows = positions.map(({ coin, size, mark, dollars: value, unrealised }) => [
      coin,
      size,
      mark,
      dollars(value),
      dollars(unrealised),
    ])
    lines.push('', layOut([['position', 'size', 'mark', 'dollars', 'unrealised'], ...rows]))
  }
  if (results.length > 0) {
    const rows = results.map(({ coin, realised, unrealised, funding, fees, equityChange }) => [
      coin,
      ...[realised, unrealised, funding, fees, equityChange].map(dollars),
    ])
    lines.push('', layOut([['coin', 'realised', 'unrealised', 'funding', 'fees', 'all in all'], ...rows]))
  }
  if (last.length > 0) {
    const rows = last.map(({ number, event }) => [
      number,
      minute(new Date(event.time).toISOString()),
      event.kind,
      'coin' in event ? event.coin : '',
      inWords(event),
    ])
    lines.push('', layOut([['event', 'time (UTC)', 'kind', 'coin', ''], ...rows]))
  }
  return [...lines, '', `ledger: ${ledger}`].join('\n')
}

function inWords(event: LedgerEvent): string {
  switch (event.kind) {
    case 'deposit':
    case 'transfer':
      return micro(event.amount)
    case 'intent':
      return `${event.order.size} at ${event.order.limitPrice} or better, ${
        'opens' in event.purpose ? 'to open' : `to close: ${event.purpose.closes}`
      }`
    case 'order':
      return `${event.status}${event.message === undefined ? '' : `: ${event.message}`}`
    case 'fill':
      return `${event.size} at ${event.price} (${event.liquidity}), fee ${micro(event.fee)}`
    case 'funding':
      return `${micro(event.amount)} at ${event.rate ?? 'an unknown rate'}`
    case 'mark':
      return `${event.price}${event.stale ? ' (kept from before)' : ''}`
    case 'hour':
      return `equity ${micro(event.equity)}, gross ${micro(event.gross)}`
    case 'round':
      return `${event.evaluated} coins looked at, ${event.candidates} candidates`
    case 'leverage':
      return `${event.mode}, ${event.leverage} x`
    case 'liquidation':
      return `${event.mode}: ${event.coins.join(' ')}`
    case 'renewal':
      return `held until ${minute(new Date(event.holdUntil).toISOString())}`
    case 'protection':
      return `${event.protection} (${event.scope}): ${event.reason}`
    case 'graduation':
      return `${event.from} to ${event.to} by ${event.by}: ${event.reason}`
    case 'settings':
      return event.digest.slice(0, 16)
    case 'weights':
      return Object.entries(event.weights)
        .map(([source, weight]) => `${source} ${weight.toFixed(3)}`)
        .join(', ')
  }
}

/** What was written, for people. */
export function describeExport({ ledger, folder, tables, files }: LedgerExport): string {
  const rows = Object.entries(tables).map(([name, count]) => [name, count])
  return `${layOut([['table', 'rows'], ...rows])}\n\n${files.length} files in ${folder}\nledger: ${ledger}`
}
