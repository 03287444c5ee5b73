import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Path of a ledger that is not there yet, in a folder that goes with the test. */
export function ledgerPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-ledger-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'paper', 'ledger.sqlite')
}
