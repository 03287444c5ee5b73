import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InputError } from '#data/errors.ts'
import { canonicalJson } from '#src/ledger/canonical-json.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { type LedgerStore, openJournal, type RoundStories } from '#src/ledger/journal.ts'
import { eventsOf, START, sampleLedger, stateAfter, write } from './sample.ts'

export interface LedgerDriver {
  /** An empty store of its own for each test. */
  open(): LedgerStore
  /** The same store after its process ended; absent where nothing outlives it. */
  reopen?(store: LedgerStore): LedgerStore
}

const batches = sampleLedger(7, 30)
const events = eventsOf(batches)
const told = batches.flatMap(({ stories }) => (stories === undefined ? [] : [stories]))

/** What every driver of a ledger does. */
export function describeLedgerStore(name: string, driver: LedgerDriver): void {
  describe(`${name} as a ledger`, () => {
    let store: LedgerStore
    beforeEach(() => {
      store = driver.open()
    })
    afterEach(() => store.close())

    it('is empty at first', () => {
      expect([...store.events()]).toEqual([])
      expect(store.stories(START)).toBeUndefined()
    })

    it('gives back every event and story in order, as often as asked', () => {
      write(store, batches)
      expect([...store.events()]).toEqual(events)
      expect([...store.events()].map(canonicalJson)).toEqual(events.map(canonicalJson))
      for (const stories of told) expect(store.stories(stories.asOf)).toEqual(stories)
      expect(store.stories(START - 1)).toBeUndefined()
    })

    it('carries a journal to the state that the events lead to, and holds together', () => {
      const journal = openJournal(store)
      for (const batch of batches) {
        for (const event of batch.events) journal.record(event)
        journal.commit(batch.stories)
      }
      expect(openJournal(store).state).toEqual(stateAfter(events))
      expect(checkIntegrity(store)).toMatchObject({ events: events.length, hours: 30 })
      expect(checkIntegrity(store).broken).toBeUndefined()
    })

    it('takes all of a batch or nothing of it', () => {
      write(store, batches.slice(0, 4))
      const before = [...store.events()]
      const { events: next } = batches[4]
      expect(() => store.append(next, { asOf: START, json: 'of no round' })).toThrow(InputError)
      expect([...store.events()]).toEqual(before)
      store.append(next)
      expect([...store.events()]).toEqual([...before, ...next])
    })

    it('takes stories with the event of their round only', () => {
      const round = batches.find(({ stories }) => stories !== undefined)!
      const stories = round.stories as RoundStories
      expect(() => store.append([], stories)).toThrow(InputError)
      expect(() => store.append(round.events, { ...stories, json: '[]' })).toThrow(/without the event of their round/)
      expect(() => store.append(round.events, { ...stories, asOf: stories.asOf + 1 })).toThrow(InputError)
      expect([...store.events()]).toEqual([])
      store.append(round.events, stories)
      expect(store.stories(stories.asOf)).toEqual(stories)
    })

    it('is not touched by what becomes of the list that was appended', () => {
      const list = [...batches[0].events]
      store.append(list)
      list.pop()
      expect([...store.events()]).toEqual(batches[0].events)
    })

    const { reopen } = driver
    if (reopen === undefined) return
    it('has everything after it was closed and opened again', () => {
      write(store, batches.slice(0, 40))
      store = reopen(store)
      write(store, batches.slice(40))
      store = reopen(store)
      expect([...store.events()]).toEqual(events)
      expect(checkIntegrity(store).broken).toBeUndefined()
    })
  })
}
