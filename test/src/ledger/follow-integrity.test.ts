import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { liveThroughHour } from '#src/engine.ts'
import { followIntegrity } from '#src/ledger/follow-integrity.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { openJournal } from '#src/ledger/journal.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { createPaperExchange } from '#src/paper/exchange.ts'
import { createScanners } from '#src/scanners/all.ts'
import { createScanBook } from '#src/wheel/snapshot.ts'
import { createTemporaryFolder } from '../../data/providers/files.ts'
import { DAY, dayOptions, daySnapshot } from '../engine/day.ts'

const folder = createTemporaryFolder()
afterEach(() => folder.remove())

it('comes to what the check of the whole comes to, hour by hour, and looks at new events only', async () => {
  const ledger = openSqliteLedger(`${folder.path}/ledger.sqlite`, { durable: false })
  const engine = {
    journal: openJournal(ledger),
    venue: createPaperExchange(dayOptions.exchange),
    book: createScanBook(createScanners(dayOptions), 48),
    options: dayOptions,
    keepStories: true,
  }
  const follower = followIntegrity(ledger)
  for (let asOf = DAY.from; asOf < DAY.from + 8 * HOUR; asOf += HOUR) {
    await liveThroughHour(engine, asOf, daySnapshot(asOf), { mayOpen: true, closeAll: false })
    expect(follower.check()).toEqual(checkIntegrity(ledger))
  }
  const whole = follower.check()
  expect(whole.events).toBeGreaterThan(50)

  // An event that is added behind its back and does not follow is found, and stays found.
  const other = new DatabaseSync(`${folder.path}/ledger.sqlite`)
  other.exec(
    `DROP TRIGGER events_follow_the_last;
     INSERT INTO events (body, previous, hash)
     SELECT body, hash, zeroblob(32) FROM events ORDER BY number DESC LIMIT 1`,
  )
  other.close()
  const broken = follower.check()
  expect(broken.broken).toMatchObject({ check: 'chain', number: whole.events + 1 })
  expect(follower.check()).toEqual(broken)
  ledger.close()
})
