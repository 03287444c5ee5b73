import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createLedgerPeek } from '#jobs/watch/ledger-peek.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { AS_OF } from './sample.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-peek-'))
  path = join(folder, 'ledger.sqlite')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** The hours' events, equity in dollars. */
function hours(...equities: number[]): LedgerEvent[] {
  return equities.map((dollars, i) => ({
    kind: 'hour',
    time: AS_OF + i * HOUR,
    equity: dollars * 1e6,
    gross: 0,
    net: 0,
  }))
}

describe('a look at the ledger', () => {
  it('finds nothing where there is no ledger, and none before the first hour', async () => {
    const peek = createLedgerPeek(path)
    expect(await peek()).toBeUndefined()
    openSqliteLedger(path).close()
    expect(await peek()).toBeUndefined()
  })

  it('gives equity, drawdown from the highest hour and number of events, beside a writer', async () => {
    const ledger = openSqliteLedger(path)
    ledger.append([{ kind: 'deposit', time: AS_OF, amount: 1e10 }, ...hours(10_000, 12_000, 9_000)])
    const peek = createLedgerPeek(path)
    expect(await peek()).toEqual({ equity: 9_000, drawdown: 0.25, events: 4 })
    ledger.append(hours(12_600, 12_600))
    expect(await peek()).toEqual({ equity: 12_600, drawdown: 0, events: 6 })
    ledger.append(hours(6_300))
    expect(await peek()).toEqual({ equity: 6_300, drawdown: 0.5, events: 7 })
    ledger.close()
    expect(await peek()).toEqual({ equity: 6_300, drawdown: 0.5, events: 7 })
  })

  it('starts anew with another file in its place', async () => {
    const first = openSqliteLedger(path)
    first.append(hours(20_000, 10_000))
    const peek = createLedgerPeek(path)
    expect((await peek())?.drawdown).toBe(0.5)
    first.close()
    const other = join(folder, 'other.sqlite')
    const second = openSqliteLedger(other)
    second.append(hours(5_000, 5_000, 5_000))
    second.close()
    await rm(path)
    await copyFile(other, path)
    expect(await peek()).toEqual({ equity: 5_000, drawdown: 0, events: 3 })
  })

  it('reads new hours by the index and does not walk through the ledger', () => {
    openSqliteLedger(path).close()
    const database = new DatabaseSync(path, { readOnly: true })
    const plan = database
      .prepare(
        "EXPLAIN QUERY PLAN SELECT body ->> '$.equity' FROM events WHERE kind = 'hour' AND coin IS NULL AND number > 5 AND number <= 9 ORDER BY number",
      )
      .all()
    database.close()
    expect(plan.map(({ detail }) => detail).join()).toMatch(/^SEARCH events USING INDEX events_by_kind[^,]*$/)
  })

  it('says that a damaged file is damaged', async () => {
    await writeFile(path, 'no ledger at all'.repeat(100))
    await expect(createLedgerPeek(path)()).rejects.toMatchObject({ action: 'fail-closed' })
  })
})
