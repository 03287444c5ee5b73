import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '#data/errors.ts'

const LEDGER_FILE = 'ledger.sqlite'

/** Where paper trading keeps its ledger. */
export function paperLedger(state: string): string {
  return join(state, 'paper', LEDGER_FILE)
}

/** Where the backtest of a name keeps its ledger. */
export function backtestLedger(state: string, name: string): string {
  return join(state, 'backtests', name, LEDGER_FILE)
}

/**
 * The ledger that a question is about: the one that is named, else that of paper trading, else that of the newest
 * backtest.
 *
 * @throws {InputError} where there is none
 */
export async function findLedger(state: string, named: string | undefined): Promise<string> {
  if (named !== undefined) {
    if (existsSync(named)) return named
    throw new InputError(`there is no ledger ${named}`, { path: named })
  }
  const paper = paperLedger(state)
  if (existsSync(paper)) return paper
  const newest = await newestBacktest(state)
  if (newest !== undefined) return newest
  throw new InputError(
    `there is no ledger in ${state}: \`millrace paper\` or \`millrace backtest\` makes one, --ledger names another`,
    { path: state },
  )
}

/** The ledger of the last backtest by name, which is its time unless it was given one; undefined where there is none. */
export async function newestBacktest(state: string): Promise<string | undefined> {
  const names = await readdir(join(state, 'backtests')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .sort()
    .reverse()
    .map((name) => backtestLedger(state, name))
    .find(existsSync)
}
