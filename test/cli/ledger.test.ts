import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeIntegrity } from '#cli/summaries/integrity.ts'
import { describeLedger } from '#cli/summaries/ledger.ts'
import { showLedger } from '#jobs/trading/ledger.ts'
import { paperLedger } from '#jobs/trading/ledgers.ts'
import { equityOf } from '#src/account/account.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { eventsOf, sampleLedger, stateAfter, write } from '../src/ledger/sample.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const batches = sampleLedger(4, 30)
const events = eventsOf(batches)

/** A state folder with a ledger of paper trading in it. */
function stateFolder(): { state: string; path: string } {
  const state = temporaryFolder()
  const path = paperLedger(state)
  const store = openSqliteLedger(path, { durable: false })
  write(store, batches)
  store.close()
  return { state, path }
}

function damage(path: string): void {
  const store = openSqliteLedger(path)
  store.read((database) =>
    database.exec(`DROP TRIGGER events_are_not_changed; UPDATE events SET hash = zeroblob(32) WHERE number = 40`),
  )
  store.close()
}

describe('the ledger on the command line', () => {
  it('is shown, exported and checked, beside its writer', async () => {
    const { state, path } = stateFolder()
    const writer = openSqliteLedger(path)
    const out = join(state, 'tables')
    const [shown, exported, checked] = await Promise.all([
      runCli(['ledger', 'show', '--state', state, '--last', '3', '--json']),
      runCli(['ledger', 'export', '--state', state, '--out', out, '--format', 'both', '--json']),
      runCli(['integrity', '--state', state, '--json']),
    ])
    writer.close()
    const { account } = stateAfter(events)
    expect(JSON.parse(shown.stdout)).toMatchObject({
      ledger: path,
      events: events.length,
      equity: equityOf(account) / 1e6,
      micro: { balances: { equity: equityOf(account) } },
      last: [-3, -2, -1].map((i) => ({ number: events.length + 1 + i, event: events.at(i) })),
    })
    expect(JSON.parse(exported.stdout)).toMatchObject({ folder: out, tables: { hours: 30, rounds: 30 } })
    expect(readdirSync(out)).toHaveLength(18)
    expect(readFileSync(join(out, 'hours.csv'), 'utf8').split('\n')).toHaveLength(32)
    expect(checked).toMatchObject({ code: 0 })
    expect(JSON.parse(checked.stdout)).toMatchObject({ intact: true, events: events.length, hours: 30, ledger: path })
  })

  it('ends with 1 where it is broken, and with 2 where there is none', async () => {
    const { path } = stateFolder()
    damage(path)
    const [broken, none, wrong] = await Promise.all([
      runCli(['integrity', '--ledger', path]),
      runCli(['integrity', '--state', temporaryFolder()]),
      runCli(['ledger', 'export', '--out', 'x', '--format', 'xml']),
    ])
    expect(broken.code).toBe(1)
    expect(broken.stdout).toMatch(
      /^BROKEN at event 40, \w+ \(2025-01-01 \d\d:\d\d UTC\): it is not what was written.*\(chain\)/,
    )
    expect(none).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('there is no ledger in') })
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('Allowed choices are csv, parquet, both') })
  })
})

describe('for people', () => {
  it('a ledger is told in dollars, with its newest events in words', async () => {
    const { state } = stateFolder()
    const text = describeLedger(await showLedger({ state, last: events.length }))
    expect(text).toMatch(
      /^\d+ events, as of 2025-01-02 05:00 UTC\nequity \d+\.\d\d dollars \(deposits 10000\.12, cash /,
    )
    expect(text).toMatch(/position +size +mark +dollars +unrealised\n/)
    expect(text).toMatch(/coin +realised +unrealised +funding +fees +all in all\n/)
    for (const words of [
      'to close: horizon',
      'cancelled: no',
      '(taker), fee',
      'an unknown rate',
      'isolated, 3 x',
      'held until',
      'lock (ETH): test',
      'ou-funding 0.',
    ]) {
      expect(text).toContain(words)
    }
  })

  it('an empty ledger is no failure', async () => {
    const path = join(temporaryFolder(), 'ledger.sqlite')
    openSqliteLedger(path).close()
    const text = describeLedger(await showLedger({ state: '', ledger: path, last: 5 }))
    expect(text).toBe(
      `0 events, before the first hour\nequity 0.00 dollars (deposits 0.00, cash 0.00)\n\nledger: ${path}`,
    )
  })

  it('a ledger that is whole tells the hash to note', () => {
    const report = { ledger: 'a', intact: true, events: 2, hours: 1, head: 'ff' }
    expect(describeIntegrity(report)).toBe('intact: 2 events and 1 hours hold together\nlast hash: ff\nledger: a')
    const broken = { check: 'views', number: null, kind: null, time: null, message: 'cash is 1' } as const
    expect(describeIntegrity({ ...report, broken })).toMatch(
      /^BROKEN at the ledger: cash is 1 \(views\)\nin order before it: 2/,
    )
  })
})
