import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeProtections } from '#cli/summaries/protections.ts'
import { HOUR } from '#data/bars.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const START = Date.UTC(2025, 0, 1)
const signed = ['--by', 'Ada', '--reason', 'delisting announced']

/** A ledger that ends at 02:00. */
function ledgerFile(): string {
  const path = join(temporaryFolder(), 'ledger.sqlite')
  const store = openSqliteLedger(path)
  store.append([
    { kind: 'deposit', time: START, amount: 100_000_000 },
    { kind: 'hour', time: START + 2 * HOUR, equity: 100_000_000, gross: 0, net: 0 },
  ])
  store.close()
  return path
}

test('a lock by hand lasts in the ledger until it is lifted', async () => {
  const path = ledgerFile()
  const command = (...args: string[]) => runCli(['protections', ...args, '--ledger', path])
  const locked = await command('lock', 'LUNA', '--hours', '24', ...signed, '--json')
  const lock = {
    protection: 'lock',
    scope: 'LUNA',
    setBy: 'Ada',
    reason: 'delisting announced',
    time: START + 2 * HOUR,
  }
  expect(JSON.parse(locked.stdout).protections).toEqual([{ kind: 'protection', ...lock, until: START + 26 * HOUR }])
  const listed = await command('list')
  expect(listed.stdout).toMatch(/lock +LUNA +2025-01-01 02:00 +2025-01-02 02:00 +Ada +delisting announced/)
  const lifted = await command('lift', 'lock', 'LUNA', '--by', 'Bob', '--reason', 'called off')
  expect(lifted.stdout).toContain('nothing forbids new positions')
  const again = await command('lift', 'lock', 'LUNA', ...signed)
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('in force: nothing') })
})

test('nothing is recorded for nobody, for no time, or in no ledger', async () => {
  const path = ledgerFile()
  const lock = (...args: string[]) => runCli(['protections', 'lock', '*', ...args, '--ledger', path])
  expect(await lock('--reason', 'why')).toMatchObject({ code: 2, stderr: expect.stringContaining('--by is missing') })
  const never = await lock(...signed, '--hours', 'soon')
  expect(never).toMatchObject({ code: 2, stderr: expect.stringContaining('It must be a whole number above 0') })
  const store = openSqliteLedger(path, { readOnly: true })
  expect([...store.events()]).toHaveLength(2)
  store.close()
  const nowhere = await runCli(['protections', 'list', '--state', temporaryFolder()])
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('`millrace paper` makes one') })
})

test('for people, a list says until when, and an empty ledger that it is empty', () => {
  const lock = { kind: 'protection', protection: 'lock', scope: '*', setBy: 'Ada', reason: 'why', time: 0 } as const
  const text = describeProtections({ ledger: 'a.sqlite', time: 0, protections: [{ ...lock, until: null }] })
  expect(text).toMatch(
    /lock +\* +1970-01-01 00:00 +it is lifted +Ada +why\n\nledger: a.sqlite, at 1970-01-01 00:00 UTC$/,
  )
  expect(describeProtections({ ledger: 'a.sqlite', time: null, protections: [] })).toBe('ledger: a.sqlite (empty)')
})
