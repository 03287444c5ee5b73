import { closeSync, mkdirSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FatalError, InputError, MillraceError, UnavailableError } from '#data/errors.ts'
import { chainHash, GENESIS } from '#src/ledger/chain.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { openSqliteLedger, type SqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { differenceToViews, readViews } from '#src/ledger/views.ts'
import { describeLedgerStore } from './conformance.ts'
import { ledgerPath } from './folder.ts'
import { eventsOf, START, sampleLedger, stateAfter, write } from './sample.ts'

const batches = sampleLedger(3, 20)
const deposit: LedgerEvent = { kind: 'deposit', time: START, amount: 1_000_000 }

for (const durable of [true, false]) {
  describeLedgerStore(durable ? 'SQLite, durable' : 'SQLite', {
    open: () => openSqliteLedger(ledgerPath(), { durable }),
    reopen(store) {
      store.close()
      return openSqliteLedger((store as SqliteLedger).path, { durable })
    },
  })
}

describe('a ledger in SQLite', () => {
  it('chains every event to the one before it', () => {
    const store = openSqliteLedger(ledgerPath())
    store.append([deposit])
    store.append([{ kind: 'hour', time: START, equity: 1_000_000, gross: 0, net: 0 }])
    const [first, second] = [...store.rows()]
    expect(first.body).toBe('{"amount":1000000,"kind":"deposit","time":1735689600000}')
    // Python: hashlib.sha256(bytes(32) + body).hexdigest()
    expect(Buffer.from(first.hash).toString('hex')).toBe(
      '385ec92b38b53e06b2d860aaadfb7c35e75f533ca65fdfcf0f25620d634d3c76',
    )
    expect(first.previous).toEqual(GENESIS)
    expect(second.previous).toEqual(first.hash)
    expect(second.hash).toEqual(new Uint8Array(chainHash(first.hash, second.body)))
    store.close()
  })

  it('changes and removes nothing, and takes an event behind the last one only', () => {
    const store = openSqliteLedger(ledgerPath())
    write(store, batches)
    const refuse = (sql: string) =>
      expect(() => store.read((database) => database.exec(sql)), sql).toThrow(/refuses what was to be written/)
    refuse(`UPDATE events SET body = '{}' WHERE number = 1`)
    refuse('DELETE FROM events WHERE number = 5')
    refuse('DELETE FROM rounds')
    refuse(`UPDATE rounds SET digest = ''`)
    refuse(
      'INSERT OR REPLACE INTO events (number, body, previous, hash) SELECT number, body, previous, hash FROM events',
    )
    refuse('INSERT OR REPLACE INTO rounds SELECT * FROM rounds')
    refuse(`INSERT INTO events (number, body, previous, hash) SELECT number + 2, body, previous, hash FROM events
            ORDER BY number DESC LIMIT 1`)
    refuse(`INSERT INTO events (number, body, previous, hash) SELECT number + 1, body, zeroblob(32), hash FROM events
            ORDER BY number DESC LIMIT 1`)
    expect([...store.events()]).toEqual(eventsOf(batches))
    store.close()
  })

  it('is refused to a second writer, in words that name the first, and readers work beside it', () => {
    const path = ledgerPath()
    const store = openSqliteLedger(path)
    store.append([deposit])
    expect(() => openSqliteLedger(path)).toThrow(UnavailableError)
    expect(() => openSqliteLedger(path)).toThrow(`is being written by process ${process.pid}`)
    const reader = openSqliteLedger(path, { readOnly: true })
    expect([...reader.events()]).toEqual([deposit])
    store.append([{ kind: 'hour', time: START, equity: 1_000_000, gross: 0, net: 0 }])
    expect([...reader.events()]).toHaveLength(2)
    expect(() => reader.append([deposit])).toThrow(/cannot be written/)
    reader.close()
    store.close()
    openSqliteLedger(path).close()
  })

  it.each([
    [true, 2],
    [false, 0],
  ])('asks the disk for what it promises: durable %s', (durable, synchronous) => {
    const store = openSqliteLedger(ledgerPath(), { durable })
    const pragma = (name: string) =>
      store.read((database) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0])
    expect(pragma('synchronous')).toBe(synchronous)
    expect(pragma('journal_mode')).toBe('wal')
    store.close()
  })

  it('gives no event out that is not what was written', () => {
    const path = ledgerPath()
    const store = openSqliteLedger(path)
    write(store, batches)
    store.read((database) =>
      database.exec(`DROP TRIGGER events_are_not_changed;
                     UPDATE events SET body = replace(body, '"time":', '"time": ') WHERE number = 9`),
    )
    expect(() => [...store.events()]).toThrow(/event 9 is not what was written/)
    store.close()
  })

  it('refuses what is no number before anything is written', () => {
    const store = openSqliteLedger(ledgerPath())
    expect(() => store.append([deposit, { ...deposit, amount: Number.NaN }])).toThrow(/\$\.amount is NaN/)
    expect([...store.events()]).toEqual([])
    store.close()
  })

  it('tells files apart that are no ledger, damaged, or not there', () => {
    const path = ledgerPath()
    expect(() => openSqliteLedger(path, { readOnly: true })).toThrow(InputError)
    mkdirSync(dirname(path), { recursive: true })
    const other = new DatabaseSync(path)
    other.exec('CREATE TABLE series (id INTEGER); PRAGMA user_version = 1')
    other.close()
    expect(() => openSqliteLedger(path)).toThrow(/no ledger of millrace/)
    expect(() => openSqliteLedger(path, { readOnly: true })).toThrow(InputError)
    const text = join(dirname(path), 'text.sqlite')
    writeFileSync(text, 'no database at all, but long enough to be taken for one'.repeat(10))
    expect(() => openSqliteLedger(text)).toThrow(MillraceError)
    expect(() => openSqliteLedger(text)).toThrow(/not a SQLite file/)
    const folder = join(dirname(path), 'text.sqlite', 'ledger.sqlite')
    expect(() => openSqliteLedger(folder)).toThrow(FatalError)
  })

  it('is whole after the disk was full, and goes on when there is room', () => {
    const store = openSqliteLedger(ledgerPath(), { durable: false })
    write(store, batches.slice(0, 5))
    const before = [...store.events()]
    const settings = 'x'.repeat(100_000)
    const large: LedgerEvent = { kind: 'settings', time: before.at(-1)!.time, digest: '', settings }
    store.read((database) => {
      const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
      database.exec(`PRAGMA max_page_count = ${pages + 5}`)
    })
    const small: LedgerEvent = { ...deposit, time: large.time }
    expect(() => store.append([small, large])).toThrow(FatalError)
    expect(() => store.append([small, large])).toThrow(/disk is full: free some space/)
    expect([...store.events()]).toEqual(before)
    store.read((database) => database.exec('PRAGMA max_page_count = 1000000'))
    write(store, batches.slice(5))
    expect(checkIntegrity(store).broken).toBeUndefined()
    store.close()
  })
})

describe('views', () => {
  it('come to the account of the reducer, to the micro-dollar, wherever the ledger ends', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 100 }), (seed, length) => {
        const store = openSqliteLedger(ledgerPath(), { durable: false })
        const some = sampleLedger(seed, 25).slice(0, length)
        write(store, some)
        const { account } = stateAfter(eventsOf(some))
        expect(differenceToViews(account, readViews(store))).toBeUndefined()
        store.close()
      }),
      { numRuns: 20 },
    )
  })

  it('differ by words where an amount differs', () => {
    const store = openSqliteLedger(ledgerPath(), { durable: false })
    write(store, batches)
    const { account } = stateAfter(eventsOf(batches))
    const [coin, holding] = [...account.holdings].find(([, { size }]) => size !== 0)!
    holding.cost++
    expect(differenceToViews(account, readViews(store))).toMatch(`${coin}: cost is ${holding.cost - 1} in SQL`)
    store.close()
  })
})

describe('a damaged file', () => {
  it('is refused, wherever a page was overwritten', () => {
    const path = ledgerPath()
    const store = openSqliteLedger(path)
    write(store, batches)
    store.close()
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.alloc(statSync(path).size - 8192, 0xff), 0, undefined, 8192)
    closeSync(file)
    expect(() => openSqliteLedger(path)).toThrow(MillraceError)
    expect(checkIntegrity(path)).toMatchObject({ broken: { check: 'file', number: null } })
  })
})
