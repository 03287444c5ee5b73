import { expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import {
  decideHour,
  type Engine,
  fuseHour,
  judgeHour,
  liveThroughHour,
  scanHour,
  sendIntended,
  settleHour,
} from '#src/engine.ts'
import { openJournal } from '#src/ledger/journal.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { createPaperExchange } from '#src/paper/exchange.ts'
import { createScanners } from '#src/scanners/all.ts'
import { rejected } from '#src/validation/reason.ts'
import { createScanBook } from '#src/wheel/snapshot.ts'
import { DAY, dayOptions, daySnapshot } from './day.ts'

const PHASE = { mayOpen: true, closeAll: false }

function newEngine() {
  const store = createMemoryLedger()
  const engine: Engine = {
    journal: openJournal(store),
    venue: createPaperExchange(dayOptions.exchange),
    book: createScanBook(createScanners(dayOptions), 48),
    options: dayOptions,
    keepStories: true,
  }
  return { store, engine }
}

it('lives through a day step by step as it does at once, event by event', async () => {
  const [whole, steps] = [newEngine(), newEngine()]
  for (let asOf = DAY.from; asOf < DAY.to; asOf += HOUR) {
    await liveThroughHour(whole.engine, asOf, daySnapshot(asOf), PHASE)
    const { engine } = steps
    const snapshot = daySnapshot(asOf)
    scanHour(engine, asOf, snapshot)
    await settleHour(engine, asOf, snapshot)
    const judged = judgeHour(engine, asOf, snapshot, PHASE, fuseHour(engine, asOf, snapshot, PHASE))
    expect(judged.entries.size).toBe(10)
    decideHour(engine, asOf, snapshot, PHASE, judged)
    // A step that is taken twice changes nothing twice.
    expect(decideHour(engine, asOf, snapshot, PHASE, judged)).toEqual([])
    await settleHour(engine, asOf, snapshot)
    await sendIntended(engine, asOf, snapshot)
    await sendIntended(engine, asOf, snapshot)
  }
  expect([...steps.store.events()]).toEqual([...whole.store.events()])
  expect(steps.store.stories(DAY.to - HOUR)).toEqual(whole.store.stories(DAY.to - HOUR))
  expect([...whole.store.events()].filter(({ kind }) => kind === 'fill').length).toBeGreaterThan(20)
})

it('does not go by a judgement that the ledger has overtaken', async () => {
  const { engine } = newEngine()
  const asOf = DAY.from
  const snapshot = daySnapshot(asOf)
  await settleHour(engine, asOf, snapshot)
  const judged = judgeHour(engine, asOf, snapshot, PHASE, fuseHour(engine, asOf, snapshot, PHASE))
  const no = [rejected('forged', 'as if the ledger had said otherwise')]
  const forged = new Map([...judged.entries].map(([coin, entry]) => [coin, { ...entry, reasons: no }]))
  const told = (events: number) => {
    const { engine: other } = newEngine()
    return settleHour(other, asOf, snapshot).then(() =>
      decideHour(other, asOf, snapshot, PHASE, { ...judged, entries: forged, events }),
    )
  }
  expect((await told(judged.events)).some(({ action }) => action === 'open')).toBe(false)
  expect((await told(judged.events)).length > 0).toBe(true)
  expect((await told(judged.events - 1)).some(({ action }) => action === 'open')).toBe(true)
})
