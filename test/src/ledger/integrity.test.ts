import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { toMicro } from '#src/account/money.ts'
import { chainHash, storiesDigest } from '#src/ledger/chain.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { LIQUIDATION } from '#src/ledger/state.ts'
import { ledgerPath } from './folder.ts'
import { eventsOf, START, sampleLedger, write } from './sample.ts'

const batches = sampleLedger(9, 60)
const events = eventsOf(batches)
const storiesAt = new Map(batches.flatMap(({ stories }) => (stories === undefined ? [] : [[stories.asOf, stories]])))

type Kind = LedgerEvent['kind']
type OfKind<K extends Kind> = Extract<LedgerEvent, { kind: K }>

/** Number of the first event that fits, from 1, as the ledger counts. */
function numberOf<K extends Kind>(kind: K, fits: (event: OfKind<K>) => boolean = () => true): number {
  const index = events.findIndex((event) => event.kind === kind && fits(event as OfKind<K>))
  if (index < 0) throw new Error(`the sample has no such ${kind}`)
  return index + 1
}

/** A ledger in which the chain was written anew over other events: what somebody would do who knows how. */
function rewritten(change: (list: LedgerEvent[]) => void): ReturnType<typeof checkIntegrity> {
  const list = events.map((event) => structuredClone(event))
  change(list)
  const store = openSqliteLedger(ledgerPath(), { durable: false })
  const told = new Set<number>()
  let waiting: LedgerEvent[] = []
  for (const event of list) {
    waiting.push(event)
    if (event.kind !== 'round') continue
    const stories = storiesAt.get(event.time)
    const fits = stories !== undefined && storiesDigest(stories.json) === event.stories && !told.has(event.time)
    store.append(waiting, fits ? stories : undefined)
    told.add(event.time)
    waiting = []
  }
  store.append(waiting)
  const report = checkIntegrity(store)
  store.close()
  return report
}

/** Changes a field of one event and writes the chain anew. */
function changed<K extends Kind>(number: number, change: (event: OfKind<K>) => Partial<OfKind<K>>) {
  return rewritten((list) => {
    list[number - 1] = { ...list[number - 1], ...change(list[number - 1] as OfKind<K>) } as LedgerEvent
  })
}

/** A ledger that was changed in the file, past the triggers. */
function damaged(sql: string): ReturnType<typeof checkIntegrity> {
  const path = ledgerPath()
  const store = openSqliteLedger(path, { durable: false })
  write(store, batches)
  store.read((database) =>
    database.exec(`DROP TRIGGER events_follow_the_last; DROP TRIGGER events_are_not_changed;
      DROP TRIGGER events_are_not_removed; DROP TRIGGER rounds_are_not_changed; DROP TRIGGER rounds_are_not_removed;
      ${sql}`),
  )
  store.close()
  return checkIntegrity(path)
}

const intentOf = (cloid: string) =>
  events.find((event): event is OfKind<'intent'> => event.kind === 'intent' && event.order.cloid === cloid)!

describe('integrity', () => {
  it('finds nothing in a ledger as the engine writes it, at whatever event it ends', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 200 }), (seed, length) => {
        const some = sampleLedger(seed, 40).slice(0, length)
        const store = createMemoryLedger()
        write(store, some)
        expect(checkIntegrity(store).broken).toBeUndefined()
      }),
      { numRuns: 30 },
    )
  })

  it('counts what it saw, tells the last hash and how far it is', () => {
    const path = ledgerPath()
    const store = openSqliteLedger(path, { durable: false })
    write(store, batches)
    const [last] = [...store.rows()].slice(-1)
    const progress: number[] = []
    const report = checkIntegrity(store, { progress: ({ done, total }) => progress.push(done / total) })
    expect(report).toEqual({ events: events.length, hours: 60, head: Buffer.from(last.hash).toString('hex') })
    expect(progress.at(-1)).toBe(1)
    // The writer goes on meanwhile.
    expect(checkIntegrity(path)).toEqual(report)
    const stop = AbortSignal.abort(new Error('enough'))
    const long = createMemoryLedger()
    write(long, batches)
    expect(() => checkIntegrity(long, { signal: stop })).toThrow('enough')
    store.close()
  })

  it('has nothing against an empty ledger, and something against none', () => {
    const path = ledgerPath()
    openSqliteLedger(path).close()
    expect(checkIntegrity(path)).toEqual({ events: 0, hours: 0, head: '0'.repeat(64) })
    expect(() => checkIntegrity(`${path}-elsewhere`)).toThrow(InputError)
  })

  it('compares funding with the market where it is given', () => {
    const store = createMemoryLedger()
    write(store, batches)
    const rates = new Map(
      events.flatMap((event) =>
        event.kind === 'funding' ? [[`${event.coin} ${event.time}`, event.rate] as const] : [],
      ),
    )
    const lookup = (coin: string, time: number) => rates.get(`${coin} ${time}`)
    expect(checkIntegrity(store, { rates: lookup }).broken).toBeUndefined()
    const paid = numberOf('funding', ({ rate }) => rate !== null)
    const { coin, time } = events[paid - 1] as OfKind<'funding'>
    rates.set(`${coin} ${time}`, null)
    expect(checkIntegrity(store, { rates: lookup }).broken).toMatchObject({
      check: 'rates',
      number: paid,
      kind: 'funding',
    })
  })
})

describe('integrity of a file that was changed', () => {
  const fill = numberOf('fill')
  const inTheMiddle = Math.floor(events.length / 2)

  it.each<[string, string, object]>([
    [
      'a byte of a body',
      `UPDATE events SET body = replace(body, '"taker"', '"Taker"') WHERE number = ${fill}`,
      { check: 'chain', number: fill, kind: 'fill' },
    ],
    ['a hash', `UPDATE events SET hash = zeroblob(32) WHERE number = 7`, { check: 'chain', number: 7 }],
    [
      'an event that is gone',
      `DELETE FROM events WHERE number = ${inTheMiddle}`,
      { check: 'chain', number: inTheMiddle, kind: null },
    ],
    [
      'an event that is gone, and the others moved up',
      `DELETE FROM events WHERE number = ${inTheMiddle}; UPDATE events SET number = -number WHERE number > ${inTheMiddle}; UPDATE events SET number = -number - 1 WHERE number < 0`,
      { check: 'chain', number: inTheMiddle },
    ],
    [
      'two events that changed places',
      `UPDATE events SET number = -1 WHERE number = 20; UPDATE events SET number = 20 WHERE number = 21; UPDATE events SET number = 21 WHERE number = -1`,
      { check: 'chain', number: 20 },
    ],
    [
      'bodies that changed places',
      `UPDATE events SET body = CASE number WHEN 20 THEN (SELECT body FROM events WHERE number = 21) ELSE (SELECT body FROM events WHERE number = 20) END WHERE number IN (20, 21)`,
      { check: 'chain', number: 20 },
    ],
    [
      'an end that was cut off',
      `DELETE FROM events WHERE number > ${events.length - 3}`,
      { check: 'chain', number: events.length - 2, kind: null },
    ],
    [
      'stories of another round',
      `UPDATE rounds SET (stories, digest) = (SELECT stories, digest FROM rounds WHERE as_of = ${START}) WHERE as_of = ${START + 5 * HOUR}`,
      { check: 'stories', kind: 'round', time: START + 5 * HOUR },
    ],
    [
      'stories that are no text any more',
      `UPDATE rounds SET stories = zeroblob(100) WHERE as_of = ${START + 6 * HOUR}`,
      { check: 'stories', kind: 'round', time: START + 6 * HOUR },
    ],
    [
      'stories that are gone',
      `DELETE FROM rounds WHERE as_of = ${START + 7 * HOUR}`,
      { check: 'stories', kind: 'round', time: START + 7 * HOUR },
    ],
    [
      'stories of no round',
      `INSERT INTO rounds SELECT ${START - HOUR}, stories, digest FROM rounds LIMIT 1`,
      { check: 'stories', number: null, time: START - HOUR },
    ],
    [
      'a view',
      `DROP VIEW balances; CREATE VIEW balances AS SELECT 1 AS deposits, 1 AS cash, 0 AS value, 1 AS equity`,
      { check: 'views', number: null },
    ],
  ])('names %s', (_, sql, expected) => {
    expect(damaged(sql).broken).toMatchObject(expected)
  })

  it('names the event in whose body a bit was flipped on the disk', () => {
    const path = ledgerPath()
    const store = openSqliteLedger(path)
    write(store, batches)
    store.close()
    const { cloid } = events[fill - 1] as OfKind<'fill'>
    const [bytes, body] = [readFileSync(path), `"cloid":"${cloid}","closedPnl"`]
    const file = openSync(path, 'r+')
    // Pages that were split still hold what moved away: all copies are hit.
    for (let place = bytes.indexOf(body); place >= 0; place = bytes.indexOf(body, place + 1)) {
      writeSync(file, 'f', place + 12)
    }
    closeSync(file)
    expect(checkIntegrity(path).broken).toMatchObject({ check: 'chain', number: fill, kind: 'fill' })
  })
})

describe('integrity of a body', () => {
  it('doubts what is not canonical even where its hash fits', () => {
    const store = openSqliteLedger(ledgerPath(), { durable: false })
    write(store, batches)
    const { number, previous, body } = [...store.rows()].at(-1)!
    const spaced = body.replace('{', '{ ')
    store.read((database) => {
      database.exec('DROP TRIGGER events_are_not_changed')
      const update = database.prepare('UPDATE events SET body = ?, hash = ? WHERE number = ?')
      update.run(spaced, chainHash(previous, spaced), number)
      // What is no JSON cannot even be written: columns are made from it.
      expect(() => update.run('{', chainHash(previous, '{'), number)).toThrow(/JSON/)
    })
    const message = expect.stringContaining('canonical')
    expect(checkIntegrity(store).broken).toMatchObject({ check: 'chain', number, message })
    store.close()
  })
})

describe('integrity of a ledger that was written anew', () => {
  const HELD = numberOf('mark')
  const fill = numberOf('fill')
  const whole = numberOf('fill', ({ cloid, size }) => cloid !== LIQUIDATION && intentOf(cloid).order.size === size)
  const paid = numberOf('funding', ({ amount }) => amount !== 0)
  const unknown = numberOf('funding', ({ rate }) => rate === null)
  const hour = numberOf('hour', ({ gross }) => gross > 0)
  const mark = HELD
  const nextHour = (number: number) => number + 1 + events.slice(number).findIndex(({ kind }) => kind === 'hour')
  const liquidation = numberOf('liquidation')
  const taken = numberOf('fill', ({ cloid }) => cloid === LIQUIDATION)
  const settled = (coin: string, time: number) =>
    events.some((event) => event.kind === 'funding' && event.coin === coin && event.time === time)
  const paidAgain = numberOf('funding', ({ coin, time }) => settled(coin, time - HOUR))
  const crossMark = numberOf('mark', ({ coin }) => coin !== 'SOL')
  const released = numberOf('transfer', ({ amount }) => amount < 0)
  const order = numberOf('order')
  const round = numberOf('round', ({ time }) => time === START + 10 * HOUR)
  const add = (list: LedgerEvent[], number: number, event: LedgerEvent) => list.splice(number, 0, event)
  const drop = (number: number) => rewritten((list) => list.splice(number - 1, 1))

  it.each<[string, () => ReturnType<typeof checkIntegrity>, object]>([
    [
      'money that comes from nowhere',
      () => changed<'funding'>(paid, ({ amount }) => ({ amount: amount + 1 })),
      { check: 'funding', number: paid, kind: 'funding' },
    ],
    [
      'funding where no rate was known',
      () => changed<'funding'>(unknown, () => ({ amount: 5 })),
      { check: 'funding', number: unknown },
    ],
    [
      'funding on what was not held',
      () => changed<'funding'>(paid, ({ size }) => ({ size: 2 * size })),
      { check: 'funding', number: paid },
    ],
    ['funding that is missing', () => drop(paid), { check: 'funding', number: nextHour(paid) - 1, kind: 'hour' }],
    [
      'funding paid twice',
      () => rewritten((list) => add(list, paid, list[paid - 1])),
      { check: 'funding', number: paid + 1 },
    ],
    ['a mark that is missing', () => drop(mark), { check: 'marks', number: nextHour(mark) - 1, kind: 'hour' }],
    [
      'a mark that was changed',
      () => changed<'mark'>(mark, ({ price }) => ({ price: price * 1.01 })),
      { check: 'money', number: nextHour(mark), kind: 'hour' },
    ],
    ['a mark of nothing', () => changed<'mark'>(mark, () => ({ price: 0 })), { check: 'marks', number: mark }],
    [
      'an hour that is missing',
      () => drop(hour),
      { check: 'rounds', number: numberOf('round', ({ time }) => time === events[hour - 1].time) - 1, kind: 'round' },
    ],
    [
      'an hour that is there twice',
      () => rewritten((list) => add(list, hour, list[hour - 1])),
      { check: 'hours', number: hour + 1 },
    ],
    [
      'a wrong equity',
      () => changed<'hour'>(hour, ({ equity }) => ({ equity: equity - 1 })),
      { check: 'money', number: hour },
    ],
    [
      'a wrong gross',
      () => changed<'hour'>(hour, ({ gross }) => ({ gross: gross + 1 })),
      { check: 'money', number: hour },
    ],
    ['a wrong net', () => changed<'hour'>(hour, ({ net }) => ({ net: net + 1 })), { check: 'money', number: hour }],
    [
      'a fill that is there twice',
      () => rewritten((list) => add(list, whole, list[whole - 1])),
      { check: 'reducer', number: whole + 1, kind: 'fill' },
    ],
    ['a fill that is missing', () => drop(fill), { check: 'funding', kind: 'funding' }],
    [
      'a fill beyond its order',
      () => changed<'fill'>(whole, ({ size, price }) => ({ size: 2 * size, notional: Math.round(2e6 * size * price) })),
      { number: whole, kind: 'fill' },
    ],
    [
      'a fill at no such price',
      () => changed<'fill'>(fill, ({ price }) => ({ price: price * 1.001 })),
      { check: 'money', number: fill },
    ],
    [
      'a fill beyond the limit',
      () =>
        changed<'fill'>(fill, ({ size, cloid }) => {
          const { order, referencePrice } = intentOf(cloid)
          const price = order.limitPrice * (size > 0 ? 1.01 : 0.99)
          return { price, notional: toMicro(size * price), slippage: toMicro(size * (price - referencePrice)) }
        }),
      { check: 'fills', number: fill, message: expect.stringContaining("the order's limit is") },
    ],
    [
      'a notional that was made up',
      () => changed<'fill'>(fill, ({ notional }) => ({ notional: notional + 1 })),
      { check: 'money', number: fill },
    ],
    [
      'a reduce-only order that opens',
      () =>
        rewritten((list) => {
          const intent = intentOf((events[fill - 1] as OfKind<'fill'>).cloid)
          list[events.indexOf(intent)] = { ...intent, order: { ...intent.order, reduceOnly: true } }
        }),
      { check: 'fills', number: fill, message: expect.stringContaining('reduce-only') },
    ],
    [
      'funding between two hours',
      () => changed<'funding'>(paid, ({ time }) => ({ time: time - 1 })),
      { check: 'funding', number: paid, message: expect.stringContaining('no full hour') },
    ],
    [
      'funding that is missing where the hour before had it',
      () => drop(paidAgain),
      { check: 'funding', number: nextHour(paidAgain) - 1, kind: 'hour' },
    ],
    [
      'an hour that is none',
      () => changed<'hour'>(numberOf('hour'), ({ time }) => ({ time: time + 1 })),
      { check: 'hours', number: numberOf('hour') },
    ],
    [
      'a liquidation of another margin',
      () => changed<'liquidation'>(liquidation, () => ({ mode: 'cross' })),
      { check: 'fills', number: liquidation },
    ],
    [
      'a liquidation that adds',
      () => changed<'fill'>(taken, ({ size, notional }) => ({ size: -size, notional: -notional })),
      { check: 'fills', number: taken, message: expect.stringContaining('a liquidation trades') },
    ],
    [
      'an intent of another coin',
      () => changed<'intent'>(numberOf('intent'), () => ({ coin: 'DOGE' })),
      { check: 'orders', number: numberOf('intent') },
    ],
    [
      'an order of another coin',
      () => changed<'order'>(order, () => ({ coin: 'DOGE' })),
      { check: 'orders', number: order },
    ],
    [
      'a slippage that was made up',
      () => changed<'fill'>(fill, ({ slippage }) => ({ slippage: slippage - 7 })),
      { check: 'money', number: fill },
    ],
    [
      'a profit that was made up',
      () => changed<'fill'>(fill, ({ closedPnl }) => ({ closedPnl: closedPnl + 7 })),
      { check: 'reducer', number: fill },
    ],
    [
      'a fee that was left out',
      () => changed<'fill'>(fill, () => ({ fee: 0 })),
      { check: 'money', number: nextHour(fill), kind: 'hour' },
    ],
    [
      'a fill of another coin',
      () => changed<'fill'>(fill, ({ coin }) => ({ coin: coin === 'BTC' ? 'ETH' : 'BTC' })),
      { check: 'fills', number: fill },
    ],
    [
      'a fill of no order',
      () => changed<'fill'>(fill, () => ({ cloid: '0xdead' })),
      { check: 'reducer', number: fill },
    ],
    ['an intent that is missing', () => drop(numberOf('intent')), { check: 'reducer', kind: 'order' }],
    [
      'an intent after its order',
      () =>
        rewritten((list) => {
          const [intent] = list.splice(numberOf('intent') - 1, 1)
          list.splice(order - 1, 0, intent)
        }),
      { check: 'reducer', number: order - 1, kind: 'order' },
    ],
    [
      'an intent given twice',
      () =>
        rewritten((list) =>
          add(list, events.length, {
            ...(list[numberOf('intent') - 1] as OfKind<'intent'>),
            time: events.at(-1)!.time,
          }),
        ),
      { check: 'orders', number: events.length + 1 },
    ],
    [
      'an order that forgets what was filled',
      () => changed<'order'>(order, ({ remaining }) => ({ remaining: remaining + 1 })),
      { check: 'orders', number: order },
    ],
    ['a liquidation nobody announced', () => drop(liquidation), { check: 'fills', kind: 'fill' }],
    [
      'a liquidation of what is not held',
      () => changed<'liquidation'>(liquidation, () => ({ coins: ['DOGE'] })),
      { check: 'fills', number: liquidation },
    ],
    ['a round that is missing', () => drop(round), { check: 'rounds', kind: 'hour', time: START + 11 * HOUR }],
    [
      'a round that is there twice',
      () => rewritten((list) => add(list, round, list[round - 1])),
      { check: 'rounds', number: round + 1 },
    ],
    [
      'a round with other stories',
      () => changed<'round'>(round, () => ({ stories: '0'.repeat(64) })),
      { check: 'stories', number: round },
    ],
    [
      'settings that are not those of the digest',
      () => changed<'settings'>(numberOf('settings'), ({ settings }) => ({ settings: `${settings} ` })),
      { check: 'settings', number: numberOf('settings') },
    ],
    ['a deposit in the dark', () => changed<'deposit'>(1, () => ({ amount: -1 })), { check: 'money', number: 1 }],
    ['a deposit that is missing', () => drop(1), { check: 'order', number: 1 }],
    [
      'time that goes back',
      () => changed<'mark'>(mark, ({ time }) => ({ time: time - 2 * HOUR })),
      { check: 'order', number: mark },
    ],
    [
      'margin for what is not isolated',
      () =>
        rewritten((list) => {
          const { time, coin } = list[crossMark - 1] as OfKind<'mark'>
          add(list, crossMark, { kind: 'transfer', time, coin, amount: 5 })
        }),
      { check: 'money', number: crossMark + 1, kind: 'transfer' },
    ],
    [
      'margin that stays behind',
      () => drop(released),
      { check: 'money', number: nextHour(released) - 1, message: expect.stringContaining('which is not held') },
    ],
    [
      'a kind that nobody knows',
      () => changed<'mark'>(mark, () => ({ kind: 'gift' }) as never),
      { check: 'chain', number: mark },
    ],
    [
      'an event without its fields',
      () =>
        rewritten((list) => {
          list[fill - 1] = { kind: 'fill', time: list[fill - 1].time, coin: 'BTC', cloid: 'x' } as never
        }),
      { check: 'reducer', number: fill },
    ],
  ])('names %s', (_, report, expected) => {
    expect(report().broken).toMatchObject(expected)
  })

  it('finds any amount that was changed, at its event or at the end of its hour', () => {
    const money = events.flatMap((event, i) =>
      event.kind === 'fill' || event.kind === 'funding' || event.kind === 'deposit' || event.kind === 'hour'
        ? [i + 1]
        : [],
    )
    const fields = {
      fill: ['notional', 'fee', 'slippage', 'closedPnl'],
      funding: ['amount'],
      deposit: ['amount'],
      hour: ['equity', 'gross', 'net'],
    }
    fc.assert(
      fc.property(
        fc.constantFrom(...money),
        fc.nat(),
        fc.integer().filter((by) => by !== 0),
        (number, pick, by) => {
          const list = [...events]
          const event = list[number - 1]
          const names = fields[event.kind as keyof typeof fields]
          const name = names[pick % names.length]
          // What a liquidation slipped is measured against a mark on the path, which the ledger does not have.
          fc.pre(name !== 'slippage' || (event as OfKind<'fill'>).cloid !== LIQUIDATION)
          list[number - 1] = {
            ...event,
            [name]: (event as unknown as Record<string, number>)[name] + by,
          } as LedgerEvent
          const store = createMemoryLedger()
          store.append(list)
          const { broken } = checkIntegrity({ ...store, stories: (asOf) => storiesAt.get(asOf) })
          expect(broken?.number).toBeGreaterThanOrEqual(number)
          expect(broken?.number).toBeLessThanOrEqual(event.kind === 'hour' ? number : nextHour(number))
        },
      ),
      { numRuns: 150 },
    )
  })
})
