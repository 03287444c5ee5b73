import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { ledgerPath } from './folder.ts'
import { START } from './sample.ts'

describe('a process that is killed while it appends', () => {
  /** Writes batches of 20 events, numbered by their amounts, as fast as it can. */
  const PROGRAM = `
    import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
    import { storiesDigest } from '#src/ledger/chain.ts'
    const store = openSqliteLedger(process.argv[1])
    let written = [...store.events()].length
    process.stdout.write('began')
    // Whoever was to kill it may be gone: it does not go on for ever.
    for (const end = Date.now() + 10_000; Date.now() < end; ) {
      const time = ${START} + written
      const json = JSON.stringify({ written, filler: 'x'.repeat(5000) })
      const deposits = Array.from({ length: 19 }, (_, i) => ({ kind: 'deposit', time, amount: 1 + written + i }))
      const round = { kind: 'round', time, evaluated: 0, candidates: 0, stories: storiesDigest(json), model: '', degraded: [] }
      store.append([...deposits, round], { asOf: time, json })
      written += 20
    }`

  it('leaves whole batches, twenty times over', async () => {
    const path = ledgerPath()
    const random = createRandom(11)
    let before = 0
    for (let kill = 0; kill < 20; kill++) {
      await appendAndKill(path, 1 + 25 * random.uniform())
      const reader = openSqliteLedger(path, { readOnly: true })
      const found = [...reader.events()]
      expect(found.length % 20).toBe(0)
      expect(found.length).toBeGreaterThanOrEqual(before)
      for (const [i, event] of found.entries()) {
        if (event.kind === 'deposit') expect(event.amount).toBe(i + 1)
        else expect(reader.stories(event.time)).toBeDefined()
      }
      before = found.length
      reader.close()
    }
    expect(before).toBeGreaterThan(0)
    const store = openSqliteLedger(path)
    expect(store.read((database) => database.prepare('PRAGMA integrity_check').get())).toEqual({
      integrity_check: 'ok',
    })
    store.close()
  }, 60_000)

  function appendAndKill(path: string, milliseconds: number): Promise<void> {
    const root = join(import.meta.dirname, '../../..')
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, path], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let failure = ''
    child.stderr.on('data', (chunk) => {
      failure += chunk
    })
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), milliseconds))
    return new Promise((resolve, reject) => {
      child.on('close', (_, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error(failure))))
    })
  }
})
