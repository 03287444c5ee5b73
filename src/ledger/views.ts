import { type Account, valueAtMark } from '../account/account.ts'
import type { LedgerStore } from './journal.ts'
import type { SqliteLedger } from './sqlite-ledger.ts'

/** An open position; money in micro-dollars. */
export interface PositionRow {
  readonly coin: string
  /** Signed coins. */
  readonly size: number
  readonly cost: number
  /** Price of the last mark or fill. */
  readonly mark: number
  readonly value: number
  readonly unrealised: number
}

/** What a coin has brought so far, micro-dollars. */
export interface ResultRow {
  readonly coin: string
  readonly realised: number
  readonly unrealised: number
  readonly funding: number
  readonly fees: number
  readonly slippage: number
  /** realised + unrealised + funding - fees. */
  readonly equity_change: number
}

/** The whole account, micro-dollars. */
export interface BalanceRow {
  readonly deposits: number
  readonly cash: number
  readonly value: number
  readonly equity: number
}

/** The account as SQL sums it up from the events: a second opinion beside the reducer (`src/ledger/state.ts`). */
export interface AccountViews {
  readonly positions: readonly PositionRow[]
  readonly results: readonly ResultRow[]
  readonly balances: BalanceRow
}

/** Reads the views of `src/ledger/schema.ts`, coins in alphabetical order. */
export function readViews(ledger: SqliteLedger): AccountViews {
  return ledger.read((database) => {
    const all = (view: string) =>
      database
        .prepare(`SELECT * FROM ${view}`)
        .all()
        .map((row) => ({ ...row }))
    return {
      positions: all('positions ORDER BY coin') as unknown as PositionRow[],
      results: all('results ORDER BY coin') as unknown as ResultRow[],
      balances: all('balances')[0] as unknown as BalanceRow,
    }
  })
}

/** True for a store in SQLite, which can be asked in SQL. */
export function isSqliteLedger(store: LedgerStore): store is SqliteLedger {
  return 'rows' in store
}

/**
 * Compares the views with the account that the reducer came to; every amount to the micro-dollar.
 *
 * @returns the first difference in words; undefined where there is none.
 */
export function differenceToViews(
  account: Account,
  { positions, results, balances }: AccountViews,
): string | undefined {
  const held = new Map(positions.map((row) => [row.coin, row]))
  const brought = new Map(results.map((row) => [row.coin, row]))
  let value = 0
  for (const [coin, holding] of account.holdings) {
    const { size, cost, mark, realised, funding, fees, slippage } = holding
    const worth = valueAtMark(holding)
    value += worth
    const position: Record<string, number> = size === 0 ? { size } : { size, cost, mark, value: worth }
    const result = { realised, unrealised: worth - cost, funding, fees, slippage }
    const difference = firstDifference(position, held.get(coin)) ?? firstDifference(result, brought.get(coin))
    if (difference !== undefined) return `${coin}: ${difference}`
  }
  const { deposits, cash } = account
  return firstDifference({ deposits, cash, value, equity: cash + value }, balances)
}

/** A coin without a row has nothing of anything. */
function firstDifference(due: Readonly<Record<string, number>>, row: object | undefined): string | undefined {
  const sums = row as Readonly<Record<string, number>> | undefined
  for (const [name, expected] of Object.entries(due)) {
    const found = sums?.[name] ?? 0
    if (found !== expected) return `${name} is ${found} in SQL, ${expected} in the account`
  }
  return undefined
}
