import { resolve } from 'node:path'
import { toDollars } from '#src/account/money.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { ledgerTables } from '#src/ledger/export.ts'
import { openSqliteLedger, type SqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { applyEvent, createLedgerState } from '#src/ledger/state.ts'
import { type AccountViews, readViews } from '#src/ledger/views.ts'
import { writeTables } from './ledger-files.ts'
import type { ExportFormat } from './ledger-formats.ts'
import { findLedger } from './ledgers.ts'

export interface LedgerRequest {
  /** Path of the ledger; that of paper trading, else of the newest backtest, where absent. */
  readonly ledger?: string
  readonly state: string
}

export interface LedgerExport {
  readonly ledger: string
  readonly folder: string
  readonly tables: Readonly<Record<string, number>>
  readonly files: readonly string[]
}

/** Writes a ledger as tables: see {@link ledgerTables}. */
export async function exportLedger(
  request: LedgerRequest & { readonly out: string; readonly format: ExportFormat },
): Promise<LedgerExport> {
  return withLedger(request, async (store) => {
    const state = createLedgerState()
    function* told(): Generator<LedgerEvent> {
      for (const event of store.events()) {
        applyEvent(state, event)
        yield event
      }
    }
    const tables = ledgerTables(told(), state.history.trades)
    const files = await writeTables(request.out, tables, request.format)
    return {
      ledger: store.path,
      folder: resolve(request.out),
      tables: Object.fromEntries(tables.map(({ name, columns }) => [name, columns[0].values.length])),
      files,
    }
  })
}

/** What a ledger comes to; money in dollars, and exact in whole micro-dollars under `micro`. */
export interface LedgerShown {
  readonly ledger: string
  readonly events: number
  /** The last hour that was lived through, ISO 8601; null before the first. */
  readonly asOf: string | null
  readonly equity: number
  readonly cash: number
  readonly deposits: number
  readonly positions: readonly {
    readonly coin: string
    readonly size: number
    readonly mark: number
    readonly dollars: number
    readonly unrealised: number
  }[]
  readonly results: readonly {
    readonly coin: string
    readonly realised: number
    readonly unrealised: number
    readonly funding: number
    readonly fees: number
    readonly equityChange: number
  }[]
  readonly micro: AccountViews
  /** The newest events, oldest first, with their numbers. */
  readonly last: readonly { readonly number: number; readonly event: LedgerEvent }[]
}

/** Positions, balances, what each coin brought, and the last events of a ledger. */
export async function showLedger(request: LedgerRequest & { readonly last: number }): Promise<LedgerShown> {
  return withLedger(request, async (store) => {
    const micro = readViews(store)
    const { positions, results, balances } = micro
    const last = lastEvents(store, request.last)
    const asOf = lastHour(store)
    return {
      ledger: store.path,
      events: store.read((database) => (database.prepare('SELECT count(*) AS n FROM events').get() as { n: number }).n),
      asOf: asOf === undefined ? null : new Date(asOf).toISOString(),
      equity: toDollars(balances.equity),
      cash: toDollars(balances.cash),
      deposits: toDollars(balances.deposits),
      positions: positions.map(({ coin, size, mark, value, unrealised }) => ({
        coin,
        size,
        mark,
        dollars: toDollars(value),
        unrealised: toDollars(unrealised),
      })),
      results: results.map(({ coin, realised, unrealised, funding, fees, equity_change }) => ({
        coin,
        realised: toDollars(realised),
        unrealised: toDollars(unrealised),
        funding: toDollars(funding),
        fees: toDollars(fees),
        equityChange: toDollars(equity_change),
      })),
      micro,
      last,
    }
  })
}

function lastEvents(store: SqliteLedger, count: number): LedgerShown['last'] {
  const rows = store.read((database) =>
    database.prepare('SELECT number, body FROM events ORDER BY number DESC LIMIT ?').all(count),
  ) as { number: number; body: string }[]
  return rows.reverse().map(({ number, body }) => ({ number, event: JSON.parse(body) as LedgerEvent }))
}

function lastHour(store: SqliteLedger): number | undefined {
  const query = 'SELECT time FROM hours ORDER BY number DESC LIMIT 1'
  return (store.read((database) => database.prepare(query).get()) as { time: number } | undefined)?.time
}

async function withLedger<T>(request: LedgerRequest, work: (store: SqliteLedger) => Promise<T>): Promise<T> {
  const store = openSqliteLedger(await findLedger(request.state, request.ledger), { readOnly: true })
  try {
    return await work(store)
  } finally {
    store.close()
  }
}
