import { mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { FatalError, UnavailableError } from '#data/errors.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { ledgerVersion, migrate } from '#src/ledger/migrations.ts'
import { SCHEMA } from '#src/ledger/schema.ts'
import { openSqliteLedger, type SqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { readViews } from '#src/ledger/views.ts'
import { lockForWriting } from '#src/ledger/writer-lock.ts'
import { ledgerPath } from './folder.ts'
import { eventsOf, sampleLedger, write } from './sample.ts'

const batches = sampleLedger(5, 12)
const NOW = Date.UTC(2026, 10, 21, 5, 2, 25)

/** A ledger as the first version left it, with events in it. */
function oldLedger(): string {
  const [now, old] = [ledgerPath(), ledgerPath()]
  const store = openSqliteLedger(now)
  write(store, batches)
  store.close()
  mkdirSync(dirname(old), { recursive: true })
  const database = new DatabaseSync(old)
  database.exec('PRAGMA synchronous = OFF')
  migrate(database, old, { schema: SCHEMA.slice(0, 1) })
  // Generated columns come by themselves.
  database.exec(`ATTACH '${now}' AS newer;
    INSERT INTO events (number, body, previous, hash) SELECT number, body, previous, hash FROM newer.events ORDER BY number;
    INSERT INTO rounds SELECT * FROM newer.rounds; DETACH newer`)
  database.close()
  return old
}

const beside = (path: string) => readdirSync(dirname(path)).filter((name) => !/(sqlite|-wal|-shm|-writer)$/.test(name))
const objects = (database: DatabaseSync) =>
  database.prepare(`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name`).all()

function versionOf(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true })
  const version = ledgerVersion(database, path)
  database.close()
  return version
}

function expectWhole(store: SqliteLedger): void {
  expect([...store.events()]).toEqual(eventsOf(batches))
  expect(readViews(store).positions.length).toBeGreaterThan(0)
  expect(checkIntegrity(store).broken).toBeUndefined()
}

describe('migrations', () => {
  it('bring a ledger of the first version up to date, with a copy of what it was beside it', () => {
    const path = oldLedger()
    expect(versionOf(path)).toBe(1)
    const store = openSqliteLedger(path, { now: () => NOW })
    expectWhole(store)
    store.close()
    expect(beside(path)).toEqual(['ledger.sqlite.version-1.2026-11-21T05-02-25'])
    const copy = join(dirname(path), beside(path)[0])
    expect(versionOf(copy)).toBe(1)
    // The copy is a ledger that can be gone back to.
    const again = openSqliteLedger(copy)
    expectWhole(again)
    again.close()
  })

  it('leave what a new ledger has, to the letter', () => {
    const [old, path] = [oldLedger(), ledgerPath()]
    const [migrated, made] = [openSqliteLedger(old), openSqliteLedger(path)]
    expect(migrated.read(objects)).toEqual(made.read(objects))
    migrated.close()
    made.close()
    expect(beside(path)).toEqual([])
  })

  it('are done for a reader too, and name the copy by the last event where there is no clock', () => {
    const path = oldLedger()
    const reader = openSqliteLedger(path, { readOnly: true })
    expectWhole(reader)
    reader.close()
    expect(beside(path)).toEqual(['ledger.sqlite.version-1.2025-01-01T11-00-00'])
    expect(versionOf(path)).toBe(SCHEMA.length)
  })

  it('happen once', () => {
    const path = oldLedger()
    for (let i = 0; i < 2; i++) openSqliteLedger(path, { now: () => NOW + 1000 * i }).close()
    expect(beside(path)).toHaveLength(1)
  })

  it('leave the old ledger usable when they are cut off half-way, and go on the next time', () => {
    const path = oldLedger()
    const database = new DatabaseSync(path)
    const before = objects(database)
    const broken = [SCHEMA[0], `${SCHEMA[1]}; CREATE TABLE half (a TEXT); INSERT INTO nowhere VALUES (1)`]
    expect(() => migrate(database, path, { schema: broken })).toThrow(/nowhere/)
    expect(objects(database)).toEqual(before)
    expect(ledgerVersion(database, path)).toBe(1)
    database.close()
    const store = openSqliteLedger(path)
    expectWhole(store)
    store.close()
  })

  it('do nothing to a full disk but say so', () => {
    const path = oldLedger()
    const database = new DatabaseSync(path)
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
    database.exec(`PRAGMA max_page_count = ${pages}`)
    expect(() => migrate(database, path)).toThrow(/full/)
    expect(database.isTransaction).toBe(false)
    database.close()
    expect(versionOf(path)).toBe(1)
    const store = openSqliteLedger(path)
    expectWhole(store)
    store.close()
  })

  it('are not begun under a writer', () => {
    const path = oldLedger()
    const unlock = lockForWriting(path)
    expect(() => openSqliteLedger(path, { readOnly: true })).toThrow(UnavailableError)
    unlock()
    expect(versionOf(path)).toBe(1)
    expect(beside(path)).toEqual([])
  })

  it('refuse a ledger of a newer millrace', () => {
    const path = ledgerPath()
    const store = openSqliteLedger(path)
    store.read((database) => database.exec(`PRAGMA user_version = ${SCHEMA.length + 1}`))
    store.close()
    for (const readOnly of [true, false]) {
      expect(() => openSqliteLedger(path, { readOnly })).toThrow(FatalError)
      expect(() => openSqliteLedger(path, { readOnly })).toThrow(
        /has version 3, this millrace knows 2: update millrace/,
      )
    }
  })
})
