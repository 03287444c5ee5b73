import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import type { LedgerStore } from '#src/ledger/journal.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { liveTheDay } from './day.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-crash-'))
afterAll(() => rmSync(folder, { recursive: true }))

const PROGRAM = join(import.meta.dirname, 'fixtures/paper-day.ts')
/** `npm run chaos` asks for 500. */
const KILLS = Number(process.env.MILLRACE_CHAOS_KILLS ?? 12)
const seed = 7

async function unbroken() {
  const store = createMemoryLedger()
  await liveTheDay(store)
  return [...store.events()]
}

/** A store that dies at its n-th append, before or after it was written. */
function dying(store: LedgerStore, appends: number, written: boolean): LedgerStore {
  let left = appends
  return {
    ...store,
    append(events, stories) {
      left--
      if (left > 0 || written) store.append(events, stories)
      if (left === 0) throw new Error('killed')
    },
  }
}

describe('a day of paper trading', () => {
  it('does enough for a crash to matter', async () => {
    const events = await unbroken()
    const count = (kind: string) => events.filter((event) => event.kind === kind).length
    expect(count('hour')).toBe(24)
    expect(count('fill')).toBeGreaterThan(20)
    expect(count('funding')).toBeGreaterThan(30)
  })

  it('ends the same wherever it is cut off, before and after each thing that it writes', async () => {
    const whole = await unbroken()
    let appends = 0
    const counting = createMemoryLedger()
    await liveTheDay({
      ...counting,
      append(events, stories) {
        appends++
        counting.append(events, stories)
      },
    })
    expect(appends).toBeGreaterThan(60)
    for (let n = 1; n <= appends; n += 3) {
      for (const written of [false, true]) {
        const store = createMemoryLedger()
        await expect(liveTheDay(dying(store, n, written))).rejects.toThrow('killed')
        await liveTheDay(store)
        expect([...store.events()], `cut at append ${n}, ${written ? 'after' : 'before'} it was written`).toEqual(whole)
      }
    }
  })

  it(`survives ${KILLS} kills: after each the ledger is whole, and the end is that of an unbroken day`, async () => {
    const whole = await unbroken()
    const random = createRandom(seed)
    let kills = 0
    let days = 0
    while (kills < KILLS) {
      const path = join(folder, `${days}.sqlite`)
      for (let done = false; !done; ) {
        done = await liveAndKill(path, kills < KILLS ? 5 + 130 * random.uniform() : undefined)
        if (!done) kills++
        const { broken } = await checkIntegrity(path)
        expect(broken, `after kill ${kills}`).toBeUndefined()
      }
      const store = openSqliteLedger(path, { readOnly: true })
      expect([...store.events()]).toEqual(whole)
      store.close()
      days++
    }
    expect(kills).toBe(KILLS)
  }, 600_000)
})

/** @returns whether the day was over before the kill, `milliseconds` after trading began. */
async function liveAndKill(path: string, milliseconds: number | undefined): Promise<boolean> {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, path], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let failure = ''
  child.stderr!.on('data', (chunk) => {
    failure += chunk
  })
  child.stdout!.on('data', (chunk) => {
    const began = said === ''
    said += chunk
    if (began && milliseconds !== undefined) setTimeout(() => child.kill('SIGKILL'), milliseconds)
  })
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (code, signal) => resolve([code, signal]))
  })
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the day failed: ${failure}`)
  return said.includes('done')
}
