import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { createRandom } from '#data/random.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import { isChangePending } from '#models/registry-change.ts'
import { reigns } from '#models/registry-history.ts'
import { lockHolder } from '#models/registry-lock.ts'
import { listVersions } from '#models/registry-view.ts'
import { tinyVersion } from './fixtures/tiny-version.ts'

/** `npm run chaos` takes its time. */
const KILLS = process.env.MILLRACE_CHAOS === 'long' ? 200 : 25
/** Children that are started ahead of their turn: starting one takes longer than its life. */
const AHEAD = 3
/** Most changes that a child makes before it is killed: two rounds. */
const CHANGES = 12
const folder = mkdtempSync(join(tmpdir(), 'millrace-crash-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const directory = join(folder, 'models')
const program = fileURLToPath(new URL('./fixtures/registry-churn.ts', import.meta.url))
const environment = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'cache') }
const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** A child that waits for its turn. */
function startChild(seed: number): ChildProcess {
  const stdio: StdioOptions = ['pipe', 'pipe', 'inherit']
  const child = spawn(process.execPath, [program, directory, String(seed)], { stdio, env: environment })
  children.add(child)
  child.on('exit', () => children.delete(child))
  return child
}

/**
 * Resolves when a child has made more than so many changes.
 *
 * @returns milliseconds that one took: the next will take about as long, on a busy machine too
 */
function changesMade({ stdout }: ChildProcess, count: number): Promise<number> {
  return new Promise((resolve) => {
    let made = 0
    let started = 0
    stdout?.on('data', (dots: Buffer) => {
      started ||= performance.now()
      made += dots.length
      if (made > count) resolve((performance.now() - started) / Math.max(1, made - 1))
    })
  })
}

/** Starts one to its end: only then is what node has compiled kept for those that follow. */
function warmUp(): void {
  const { status } = spawnSync(process.execPath, [program, directory, '0'], { input: '', env: environment })
  expect(status).toBe(0)
}

test(`a process that is killed at any of ${KILLS} instants leaves the registry readable and the champion whole`, async () => {
  warmUp()
  const random = createRandom(20_260_105).fork('kills')
  const registry = openRegistry(directory)
  const waiting = Array.from({ length: AHEAD }, (_, i) => startChild(i))
  const interrupted = { locked: 0, pending: 0 }
  let crowned = false
  for (let kill = 0; kill < KILLS; kill++) {
    const child = waiting.shift() as ChildProcess
    waiting.push(startChild(kill + AHEAD))
    const exit = once(child, 'exit')
    child.stdin?.write('go\n')
    const usual = await changesMade(child, 1 + random.integer(CHANGES))
    await pause(random.uniform() * usual)
    child.kill('SIGKILL')
    expect(await exit).toEqual([null, 'SIGKILL'])

    if (readdirSync(directory).includes('.lock')) interrupted.locked++
    if (await isChangePending(directory)) interrupted.pending++
    expect(await lockHolder(directory)).toBeUndefined()
    const view = await listVersions(registry, { now: 0 })
    expect(view.remarks).toEqual([])
    expect(view.versions.filter(({ broken }) => broken !== undefined)).toEqual([])
    for (const kind of SERVED_KINDS) {
      const champion = await registry.find(kind, 'champion')
      // Once there is one there always is one.
      if (crowned) expect(champion).toBeDefined()
      crowned ||= champion !== undefined && kind === SERVED_KINDS[1]
    }

    // Whoever changes the registry next finishes what was begun, and leaves nothing lying about.
    const now = 1_743_500_000_000 + kill * 1_000_000 + 999_000
    await registry.change(async () => [])
    for (const kind of SERVED_KINDS) {
      if (kill % 5 === 4) {
        const { id } = await registry.save(tinyVersion(kind, now))
        await registry.promote(kind, id, 'challenger', 'a new one', now)
        expect(await registry.resolve(kind, 'challenger')).toBe(id)
      }
      expect(await registry.find(kind, 'champion')).toBe(reigns((await registry.log()).entries, kind).at(-1)?.to)
      const names = readdirSync(join(directory, kind))
      expect(names.filter((name) => !/^\d{8}T|^champion$|^challenger$/.test(name))).toEqual([])
    }
    expect(readdirSync(directory).sort()).toEqual(['cde', 'hmm', 'log.jsonl'])
    expect((await registry.log()).remarks).toEqual([])
  }
  for (const child of waiting) child.kill('SIGKILL')
  // Else the instants were none: changes must have been interrupted in their midst.
  expect(interrupted.locked).toBeGreaterThan(0)
  expect(interrupted.pending).toBeGreaterThan(0)
}, 120_000)
