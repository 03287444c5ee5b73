import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { CardContent } from '#models/card.ts'
import { estimateHmm } from '#models/hmm/regime-model.ts'
import { maxAbsDifference } from '#models/onnx/parity.ts'
import type { ServedKind } from '#models/regime.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { expireVersions } from '#models/registry-expiry.ts'
import { promoteVersions, recordVerdict } from '#models/registry-promotion.ts'
import { openServing } from '#models/serving.ts'
import { randomWindows } from './conformance.ts'
import { randomHmm } from './hmm/toy.ts'
import { nativeSession } from './onnx/native-session.ts'
import { NOW, temporaryFolder, workingVersion } from './versions.ts'

let registry: Registry
beforeEach(() => {
  registry = openRegistry(temporaryFolder())
})

/** Saves a working version, changed as the test wants, and makes it champion. */
async function enthrone(kind: ServedKind, seed: number, change?: Partial<CardContent>, files = {}): Promise<string> {
  const version = workingVersion(kind, seed, change)
  const { id } = await registry.save({ ...version, files: { ...version.files, ...files } })
  await registry.promote(kind, id, 'champion', 'test', NOW)
  return id
}

const open = (only?: ServedKind) => openServing(registry, { now: NOW, threads: 1, ...(only && { only }) })
const fileOf = (kind: ServedKind, id: string, name: string) => join(registry.directory, kind, id, name)

describe('serving', () => {
  test('takes the champion CDE when all is well', async () => {
    const id = await enthrone('cde', 1)
    await enthrone('hmm', 2)
    const serving = await open()
    expect(serving).toMatchObject({ kind: 'cde', id, degradations: [] })
    const model = randomHmm(1, 'diagonal')
    const windows = randomWindows({ count: 5, knots: 12, channels: model.channels, seed: 9 })
    const answer = await serving.model!.estimate(windows)
    expect(maxAbsDifference(answer, estimateHmm(model, windows))).toBeLessThan(1e-5)
    await serving.close()
  })

  test('takes the HMM alone when asked to', async () => {
    await enthrone('cde', 1)
    const id = await enthrone('hmm', 2)
    const serving = await open('hmm')
    expect(serving).toMatchObject({ kind: 'hmm', id, degradations: [] })
    await serving.close()
  })

  const garbage = { 'model.onnx': Buffer.from('not a model') }
  const otherAnswers = { 'selfcheck.json': workingVersion('cde', 99).files['selfcheck.json'] }
  const otherChannels = { channels: ['a', 'b', 'c', 'd'] }
  const faults: [string, string, () => Promise<unknown>][] = [
    ['was never trained', 'no cde is champion', async () => {}],
    ['was tampered with', 'model.onnx was changed', async () => changeByte(await enthrone('cde', 1), 'model.onnx')],
    [
      'was cut off',
      'model.onnx has 100 bytes',
      async () => truncateSync(fileOf('cde', await enthrone('cde', 1), 'model.onnx'), 100),
    ],
    [
      'lost its graph',
      'model.onnx is missing',
      async () => rmSync(fileOf('cde', await enthrone('cde', 1), 'model.onnx')),
    ],
    [
      'lost its folder',
      'card.json is missing',
      async () => rmSync(fileOf('cde', await enthrone('cde', 1), ''), { recursive: true }),
    ],
    [
      'has a card cut off',
      'card.json is not whole JSON',
      async () => truncateSync(fileOf('cde', await enthrone('cde', 1), 'card.json'), 50),
    ],
    ['has expired', 'expired at 2025-04-01T12:00:00.000Z', () => enthrone('cde', 1, { expiresAt: NOW })],
    ['was saved broken', 'not a usable ONNX model', () => enthrone('cde', 1, {}, garbage)],
    ['answers differently', 'fails its parity check', () => enthrone('cde', 1, {}, otherAnswers)],
    ['has no self-check', 'has no selfcheck.json', () => saveWithout('selfcheck.json')],
    [
      'has a self-check cut off',
      'selfcheck.json is not whole JSON',
      () => enthrone('cde', 1, {}, { 'selfcheck.json': Buffer.from('{') }),
    ],
    ['takes other channels', 'the model needs a,b,c,d', () => enthrone('cde', 1, otherChannels)],
    ['is an HMM under another name', 'holds the card of hmm', disguise],
  ]

  test.each(faults)('steps down to the HMM, and says so, when the CDE %s', async (_, reason, harm) => {
    const id = await enthrone('hmm', 2)
    await harm()
    const serving = await open()
    expect(serving).toMatchObject({ kind: 'hmm', id })
    expect(serving.degradations).toHaveLength(1)
    expect(serving.degradations[0]).toContain('the champion CDE is unusable, the champion HMM serves instead')
    expect(serving.degradations[0]).toContain(reason)
    await serving.close()
  })

  test('takes the HMM first where a verdict has shipped it, and the CDE where that is broken', async () => {
    const cde = await enthrone('cde', 1)
    const { kind, id } = await registry.save(workingVersion('hmm', 2))
    const about = { sentence: 'Ship hmm.', gates: [], data: { hash: 'x', origin: 'test' }, test: { from: 0, to: 1 } }
    await recordVerdict(registry, { ship: 'hmm', versions: { hmm: id }, ...about, evaluation: {}, now: NOW })
    await promoteVersions(registry, [{ kind, id }], { now: NOW })
    const serving = await open()
    expect(serving).toMatchObject({ kind: 'hmm', id, degradations: [] })
    await serving.close()
    changeByte(id, 'model.onnx', 'hmm')
    const below = await open()
    expect(below).toMatchObject({ kind: 'cde', id: cde })
    expect(below.degradations[0]).toContain('the champion HMM is unusable, the champion CDE serves instead')
    await below.close()
  })

  test('takes the versions that are asked for, champions or not, and no other', async () => {
    await enthrone('cde', 1)
    const { id } = await registry.save(workingVersion('cde', 5))
    const hmm = await registry.save(workingVersion('hmm', 6))
    const pinned = [
      { kind: 'cde' as const, id },
      { kind: 'hmm' as const, id: hmm.id },
    ]
    const options = { now: NOW, threads: 1, pinned }
    const serving = await openServing(registry, options)
    expect(serving).toMatchObject({ kind: 'cde', id, degradations: [] })
    await serving.close()
    const alone = await openServing(registry, { ...options, only: 'hmm' })
    expect(alone).toMatchObject({ kind: 'hmm', id: hmm.id })
    await alone.close()
    changeByte(id, 'model.onnx')
    changeByte(hmm.id, 'model.onnx', 'hmm')
    const none = await openServing(registry, options)
    expect(none.kind).toBe('none')
    expect(none.degradations[0]).toContain(`the CDE ${id} that was asked for is unusable, the HMM ${hmm.id}`)
  })

  test('steps down from what was expired by hand, and from what is older than allowed', async () => {
    const hmm = await enthrone('hmm', 2)
    const cde = await enthrone('cde', 1)
    const tooOld = { now: NOW + 3 * 86_400_000, threads: 1, maxAgeDays: 2 }
    const none = await openServing(registry, tooOld)
    expect(none.kind).toBe('none')
    expect(none.degradations.join()).toMatch(/cde .* expired by age: it is 3\.0 days old, 2 are allowed.*hmm/)
    await expireVersions(registry, { versions: [{ kind: 'cde', id: cde }], reason: 'bad feed', now: NOW })
    const serving = await open()
    expect(serving).toMatchObject({ kind: 'hmm', id: hmm })
    expect(serving.degradations[0]).toMatch(/cde .* was expired at .* \(bad feed\): train again/)
    await serving.close()
  })

  test('frees the session of a model that it does not serve', async () => {
    await enthrone('cde', 1, {}, otherAnswers)
    const release = vi.spyOn(nativeSession, 'release')
    expect((await open()).kind).toBe('none')
    expect(release).toHaveBeenCalledTimes(1)
    release.mockRestore()
  })

  test('serves nothing when both are gone, and says why twice', async () => {
    await enthrone('cde', 1, { expiresAt: NOW - 1 })
    changeByte(await enthrone('hmm', 2), 'model.onnx', 'hmm')
    const serving = await open()
    expect(serving).toMatchObject({ kind: 'none', id: undefined, model: undefined })
    expect(serving.degradations).toHaveLength(2)
    expect(serving.degradations[1]).toContain('there are no estimates')
    await serving.close()
  })

  test('serves nothing from a folder that does not exist', async () => {
    const serving = await openServing(openRegistry(join(registry.directory, 'nowhere')), { now: NOW })
    expect(serving.kind).toBe('none')
  })

  test('comes back up when a good champion is promoted', async () => {
    changeByte(await enthrone('cde', 1), 'model.onnx')
    expect((await open()).kind).toBe('none')
    const id = await enthrone('cde', 3)
    const serving = await open()
    expect(serving).toMatchObject({ kind: 'cde', id, degradations: [] })
    await serving.close()
  })
})

function changeByte(id: string, name: string, kind: ServedKind = 'cde'): void {
  const bytes = readFileSync(fileOf(kind, id, name))
  bytes[Math.floor(bytes.length / 2)] ^= 1
  writeFileSync(fileOf(kind, id, name), bytes)
}

async function saveWithout(name: string): Promise<void> {
  const version = workingVersion('cde', 1)
  const { [name]: _, ...files } = version.files
  const { id } = await registry.save({ ...version, files })
  await registry.promote('cde', id, 'champion', 'test', NOW)
}

/** Puts the card of an HMM where the champion CDE's card was. */
async function disguise(): Promise<void> {
  const cde = await enthrone('cde', 1)
  const hmm = await enthrone('hmm', 2)
  writeFileSync(fileOf('cde', cde, 'card.json'), readFileSync(fileOf('hmm', hmm, 'card.json')))
}
