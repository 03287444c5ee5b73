import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openRecords } from '#jobs/records.ts'
import { createRoster } from '#jobs/watch/roster.ts'

const SECOND = 1000
const HOUR = 3_600_000
const NOBODY = new Map<string, number>()

function opened() {
  const records = openRecords(':memory:')
  const clock = { now: 1_000_000_000 }
  const roster = createRoster(records, () => clock.now)
  /** Looks so many seconds later. */
  const look = (seconds: number, present: string[], farewells: [string, number][] = []) => {
    clock.now += seconds * SECOND
    roster.observe(present, new Map(farewells))
    return roster.lost()
  }
  return { records, clock, roster, look }
}

describe('the roster of workers', () => {
  it('counts a worker that vanished as lost after half a minute, and no more when it is back', () => {
    const { look } = opened()
    expect(look(0, ['1@a', '2@b'])).toEqual([])
    expect(look(5, ['2@b'])).toEqual([])
    expect(look(29, ['2@b'])).toEqual([])
    expect(look(1, ['2@b'])).toEqual(['1@a'])
    expect(look(5, ['1@a', '2@b'])).toEqual([])
  })

  it('misses nobody who said farewell', () => {
    const { look, clock } = opened()
    look(0, ['1@a'])
    look(5, [], [['1@a', clock.now + 4 * SECOND]])
    expect(look(HOUR / SECOND, [])).toEqual([])
  })

  it('believes a farewell of a worker that has not quite gone yet', () => {
    const { look, clock } = opened()
    look(0, ['1@a'])
    look(5, ['1@a'], [['1@a', clock.now + 5 * SECOND]])
    look(5, [])
    expect(look(60, [])).toEqual([])
  })

  it('takes no farewell of an earlier process of the same id', () => {
    const { look, clock } = opened()
    const earlier = clock.now - HOUR
    look(0, ['1@a'])
    look(5, [], [['1@a', earlier]])
    expect(look(60, [])).toEqual(['1@a'])
  })

  it('lets one newcomer of a host make up for one that is lost there', () => {
    const { look } = opened()
    look(0, ['1@a', '2@a', '3@b'])
    look(5, [])
    expect(look(60, [])).toEqual(['1@a', '2@a', '3@b'])
    expect(look(5, ['9@a'])).toEqual(['2@a', '3@b'])
  })

  it('counts nobody as lost who was replaced between two looks', () => {
    const { look } = opened()
    look(0, ['1@a'])
    look(5, ['2@a'])
    expect(look(HOUR / SECOND, ['2@a'])).toEqual([])
  })

  it('remembers over a restart, and for a day', () => {
    const { look, records, clock } = opened()
    look(0, ['1@a'])
    look(5, [])
    clock.now += 2 * HOUR
    const restarted = createRoster(records, () => clock.now)
    restarted.observe([], NOBODY)
    expect(restarted.lost()).toEqual(['1@a'])
    clock.now += 23 * HOUR
    restarted.observe([], NOBODY)
    expect(restarted.lost()).toEqual([])
  })

  it('never counts as lost who is there, nor more than have gone', () => {
    const name = fc.integer({ min: 1, max: 6 }).map((pid) => `${pid}@${pid % 2 ? 'a' : 'b'}`)
    const looks = fc.array(fc.record({ seconds: fc.integer({ min: 0, max: 90 }), present: fc.uniqueArray(name) }))
    fc.assert(
      fc.property(looks, (sequence) => {
        const { look } = opened()
        const seen = new Set<string>()
        for (const { seconds, present } of sequence) {
          const lost = look(seconds, present)
          for (const one of present) seen.add(one)
          expect(lost.filter((one) => present.includes(one) || !seen.has(one))).toEqual([])
        }
      }),
    )
  })
})
