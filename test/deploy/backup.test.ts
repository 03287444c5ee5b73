import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openRecords, recordsFile } from '#jobs/records.ts'
import { temporaryFolder } from '../cli/run-cli.ts'

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}
function run(program: string, ...words: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join('deploy', program), ...words], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })
}

function stateFolder(): string {
  const state = temporaryFolder()
  mkdirSync(join(state, 'paper'))
  const ledger = new DatabaseSync(join(state, 'paper', 'ledger.sqlite'))
  ledger.exec('PRAGMA journal_mode = WAL; CREATE TABLE events (id INTEGER PRIMARY KEY, words TEXT)')
  ledger.exec("INSERT INTO events (words) VALUES ('fill')")
  // Open while it is copied, with its newest event in the log beside the file only.
  onTestFinished(() => ledger.close())
  return state
}

describe('a backup', () => {
  it('holds what was written last, while it is written on', async () => {
    const state = stateFolder()
    const records = openRecords(recordsFile(state))
    records.putNote('word', 'kept')
    const target = temporaryFolder()
    const { code, stdout } = await run('backup.ts', state, target)
    records.close()
    expect(code).toBe(0)
    const [name] = readdirSync(target)
    expect(stdout).toBe(`${join(target, name)}: paper/ledger.sqlite, records.sqlite\n`)
    const copy = new DatabaseSync(join(target, name, 'paper', 'ledger.sqlite'), { readOnly: true })
    expect(copy.prepare('SELECT words FROM events').all()).toEqual([{ words: 'fill' }])
    copy.close()
    const restored = openRecords(join(target, name, 'records.sqlite'))
    expect(restored.note('word')).toBe('kept')
    restored.close()
  })

  it('leaves as many as were asked for, the newest, and nothing else away', async () => {
    const target = temporaryFolder()
    for (const name of ['2026-01-01T024000', '2026-01-02T024000', 'by-hand']) mkdirSync(join(target, name))
    expect((await run('backup.ts', stateFolder(), target, '2')).code).toBe(0)
    const left = readdirSync(target).sort()
    expect(left).toHaveLength(3)
    expect(left).toContain('2026-01-02T024000')
    expect(left).toContain('by-hand')
  })

  it('of a damaged ledger is none, and is not taken for one', async () => {
    const state = stateFolder()
    writeFileSync(join(state, 'records.sqlite'), Buffer.alloc(8_192, 'no database'))
    const target = temporaryFolder()
    const { code, stderr } = await run('backup.ts', state, target)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^no backup was made: /)
    expect(readdirSync(target)).toEqual([])
  })

  it('of another folder is refused', async () => {
    const { code, stderr } = await run('backup.ts', temporaryFolder(), temporaryFolder())
    expect(code).toBe(2)
    expect(stderr).toMatch(/is it the state folder\?/)
  })
})

describe('the health check', () => {
  it('passes on what it was answered', async () => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/healthz' ? 200 : 503).end('{"reasons":["no round"]}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const base = `http://127.0.0.1:${port}`
    expect(await run('probe.ts', `${base}/healthz`)).toEqual({ code: 0, stdout: '', stderr: '' })
    const notReady = await run('probe.ts', `${base}/readyz`)
    expect(notReady.code).toBe(1)
    expect(notReady.stderr).toBe('503 {"reasons":["no round"]}\n')
    await new Promise((resolve) => server.close(resolve))
    expect((await run('probe.ts', `${base}/healthz`)).code).toBe(1)
  })
})

describe("Redis' settings", () => {
  it('are those that BullMQ needs', () => {
    const settings = readFileSync('deploy/redis.conf', 'utf8').split('\n')
    expect(settings).toContain('maxmemory-policy noeviction')
    expect(settings).toContain('appendonly yes')
    expect(settings.some((line) => line.startsWith('requirepass'))).toBe(false)
  })
})
