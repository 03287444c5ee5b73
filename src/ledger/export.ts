import { canonicalJson } from './canonical-json.ts'
import type { LedgerEvent } from './events.ts'
import type { Trade } from './history.ts'

/** `time` is UTC milliseconds, `micro` whole micro-dollars. */
export type ColumnType = 'time' | 'text' | 'number' | 'integer' | 'micro' | 'flag'
export type Cell = number | string | boolean | null

export interface TableColumn {
  readonly name: string
  readonly type: ColumnType
  /** One a row; null where there is nothing to say. */
  readonly values: Cell[]
}

/** A table for people's own tools. */
export interface LedgerTable {
  readonly name: string
  readonly columns: readonly TableColumn[]
}

type Kind = LedgerEvent['kind']
type OfKind<K extends Kind> = Extract<LedgerEvent, { kind: K }>
type Spec<Row> = readonly (readonly [name: string, type: ColumnType, of: (row: Row) => Cell | undefined])[]

const FILLS: Spec<OfKind<'fill'>> = [
  ['coin', 'text', ({ coin }) => coin],
  ['cloid', 'text', ({ cloid }) => cloid],
  ['size', 'number', ({ size }) => size],
  ['price', 'number', ({ price }) => price],
  ['notional_micro', 'micro', ({ notional }) => notional],
  ['fee_micro', 'micro', ({ fee }) => fee],
  ['liquidity', 'text', ({ liquidity }) => liquidity],
  ['slippage_micro', 'micro', ({ slippage }) => slippage],
  ['closed_pnl_micro', 'micro', ({ closedPnl }) => closedPnl],
]

const FUNDING: Spec<OfKind<'funding'>> = [
  ['coin', 'text', ({ coin }) => coin],
  ['size', 'number', ({ size }) => size],
  ['price', 'number', ({ price }) => price],
  ['rate', 'number', ({ rate }) => rate],
  ['amount_micro', 'micro', ({ amount }) => amount],
]

const INTENTS: Spec<OfKind<'intent'>> = [
  ['coin', 'text', ({ coin }) => coin],
  ['cloid', 'text', ({ order }) => order.cloid],
  ['size', 'number', ({ order }) => order.size],
  ['limit_price', 'number', ({ order }) => order.limitPrice],
  ['time_in_force', 'text', ({ order }) => order.timeInForce],
  ['reduce_only', 'flag', ({ order }) => order.reduceOnly],
  ['margin_mode', 'text', ({ order }) => order.margin?.mode],
  ['leverage', 'number', ({ order }) => order.margin?.leverage],
  ['reference_price', 'number', ({ referencePrice }) => referencePrice],
  ['closes', 'text', ({ purpose }) => ('closes' in purpose ? purpose.closes : null)],
  ['direction', 'integer', ({ purpose }) => ('opens' in purpose ? purpose.opens.direction : null)],
  ['hold_until', 'time', ({ purpose }) => ('opens' in purpose ? purpose.opens.holdUntil : null)],
  ['trend_probability', 'number', ({ purpose }) => ('opens' in purpose ? purpose.opens.trendProbability : null)],
  ['edge', 'number', ({ purpose }) => ('opens' in purpose ? purpose.opens.edge : null)],
  ['sources', 'text', ({ purpose }) => ('opens' in purpose ? canonicalJson(purpose.opens.sources) : null)],
]

const ORDERS: Spec<OfKind<'order'>> = [
  ['coin', 'text', ({ coin }) => coin],
  ['cloid', 'text', ({ cloid }) => cloid],
  ['status', 'text', ({ status }) => status],
  ['remaining', 'number', ({ remaining }) => remaining],
  ['message', 'text', ({ message }) => message],
]

const MARKS: Spec<OfKind<'mark'>> = [
  ['coin', 'text', ({ coin }) => coin],
  ['price', 'number', ({ price }) => price],
  ['stale', 'flag', ({ stale }) => stale],
]

const HOURS: Spec<OfKind<'hour'>> = [
  ['equity_micro', 'micro', ({ equity }) => equity],
  ['gross_micro', 'micro', ({ gross }) => gross],
  ['net_micro', 'micro', ({ net }) => net],
]

const ROUNDS: Spec<OfKind<'round'>> = [
  ['evaluated', 'integer', ({ evaluated }) => evaluated],
  ['candidates', 'integer', ({ candidates }) => candidates],
  ['model', 'text', ({ model }) => model],
  ['degraded', 'text', ({ degraded }) => canonicalJson(degraded)],
  ['stories_sha256', 'text', ({ stories }) => stories],
]

/** Events of the kinds that have no table of their own, whole. */
const OTHERS: Spec<LedgerEvent> = [
  ['kind', 'text', ({ kind }) => kind],
  ['coin', 'text', (event) => ('coin' in event ? event.coin : null)],
  ['event', 'text', canonicalJson],
]

const TRADES: Spec<Trade> = [
  ['coin', 'text', ({ coin }) => coin],
  ['direction', 'integer', ({ direction }) => direction],
  ['size', 'number', ({ size }) => size],
  ['opened_at', 'time', ({ openedAt }) => openedAt],
  ['closed_at', 'time', ({ closedAt }) => closedAt],
  ['entry_price', 'number', ({ entryPrice }) => entryPrice],
  ['exit_price', 'number', ({ exitPrice }) => exitPrice],
  ['realised_micro', 'micro', ({ realised }) => realised],
  ['funding_micro', 'micro', ({ funding }) => funding],
  ['fees_micro', 'micro', ({ fees }) => fees],
  ['slippage_micro', 'micro', ({ slippage }) => slippage],
  ['net_micro', 'micro', ({ net }) => net],
  ['reason', 'text', ({ reason }) => reason],
  ['sources', 'text', ({ sources }) => canonicalJson(sources)],
]

/** Table of each kind; the others share one. */
const TABLES: { readonly [K in Kind]?: readonly [table: string, spec: Spec<OfKind<K>>] } = {
  fill: ['fills', FILLS],
  funding: ['funding', FUNDING],
  intent: ['intents', INTENTS],
  order: ['orders', ORDERS],
  mark: ['marks', MARKS],
  hour: ['hours', HOURS],
  round: ['rounds', ROUNDS],
}

/**
 * A ledger as tables: one for each of the frequent kinds of events (`fills`, `funding`, `intents`, `orders`, `marks`,
 * `hours`, `rounds`), `others` for the rest, and `trades`. Every event is in exactly one of them, under the number that it
 * has in the ledger. An order's rows are found by its `cloid`.
 *
 * @param trades closed positions, as the state of the ledger has them.
 */
export function ledgerTables(events: Iterable<LedgerEvent>, trades: readonly Trade[]): LedgerTable[] {
  const tables = Object.values(TABLES).map(([name, spec]) => eventTable(name, spec as Spec<never>))
  const others = eventTable('others', OTHERS as Spec<never>)
  const byName = new Map(tables.map((table) => [table.name, table]))
  let number = 0
  for (const event of events) {
    number++
    const [name] = TABLES[event.kind] ?? []
    const { spec, columns } = name === undefined ? others : byName.get(name)!
    columns[0].values.push(number)
    columns[1].values.push(event.time)
    spec.forEach(([, , of], c) => void columns[c + 2].values.push(of(event as never) ?? null))
  }
  const ofTrades = columnsOf(TRADES)
  for (const trade of trades) TRADES.forEach(([, , of], c) => void ofTrades[c].values.push(of(trade) ?? null))
  return [...tables, others, { name: 'trades', columns: ofTrades }].map(({ name, columns }) => ({ name, columns }))
}

function eventTable(name: string, spec: Spec<never>) {
  const head: Spec<never> = [
    ['number', 'integer', () => null],
    ['time', 'time', () => null],
  ]
  return { name, spec, columns: columnsOf([...head, ...spec]) }
}

function columnsOf(spec: Spec<never>): TableColumn[] {
  return spec.map(([name, type]) => ({ name, type, values: [] }))
}
