import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { UnavailableError } from '#data/errors.ts'
import { BACKENDS, probeAdapter, selectBackend } from '#models/backend.ts'

/** A native package that cannot be loaded, as where its install script failed. */
const native = vi.hoisted(() => ({ error: undefined as Error | undefined }))
vi.mock('tfjs-native-gpu', () => {
  throw native.error ?? Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
})

const folder = mkdtempSync(join(tmpdir(), 'millrace-probe-'))
afterAll(() => rmSync(folder, { recursive: true }))

function program(text: string): string {
  const path = join(folder, `${Math.abs(hash(text))}.mjs`)
  writeFileSync(path, text)
  return path
}

const hash = (text: string) => [...text].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 7)

describe('choosing a training backend', () => {
  afterEach(() => vi.resetModules())

  test('ends with one that computes, and says why the ones before it were not taken', async () => {
    const { name, reason } = await selectBackend('auto')
    const tried = BACKENDS.slice(0, (BACKENDS as readonly string[]).indexOf(name))
    expect(BACKENDS).toContain(name)
    for (const before of tried) expect(reason).toContain(`${before} not taken: `)
    expect(reason).toContain(`${name} works (`)
    expect(reason).not.toContain('Command failed')
    expect(await tf.sum([1, 2, 3]).data()).toEqual(Float32Array.of(6))
  })

  test('never crashes on a missing native library', async () => {
    const failure = selectBackend('tfjs-native-gpu')
    await expect(failure).rejects.toThrow(UnavailableError)
    await expect(failure).rejects.toThrow(/no training backend could be started: tfjs-native-gpu not taken: /)
    expect((await selectBackend('wasm')).name).toBe('wasm')
  })
})

describe('asking for the graphics adapter', () => {
  const adapter = { vendor: 'v', architecture: 'a', description: 'd', device: '', isFallbackAdapter: false }

  test('gives what the probe prints', async () => {
    const path = program(`process.stdout.write('${JSON.stringify(adapter)}')`)
    expect(await probeAdapter(path)).toEqual(adapter)
  })

  test.each([
    ['finds none', '', 'no graphics adapter'],
    ['crashes', 'process.kill(process.pid, "SIGSEGV"); setTimeout(() => {}, 1000)', 'crashed (SIGSEGV)'],
    ['lacks its package', 'await import("no-such-package-anywhere")', 'its package is not installed'],
    ['throws', 'throw new Error("no Vulkan here")', 'the graphics library failed: Error: no Vulkan here'],
  ])('says so when the probe %s', async (_, text, message) => {
    await expect(probeAdapter(program(text))).rejects.toThrow(message)
  })

  test('gives up on a driver that hangs', async () => {
    const path = program('process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)')
    await expect(probeAdapter(path, 300)).rejects.toThrow('did not answer in time')
  })
})
