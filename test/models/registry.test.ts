import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import type * as FileSystem from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { FatalError, InputError, ModelError } from '#data/errors.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { cardContent, NOW, temporaryFolder, workingVersion } from './versions.ts'

/** A disk that is full after so many more writes, or for aliases alone. */
const disk = vi.hoisted(() => ({ writesLeft: Number.POSITIVE_INFINITY, aliasesFit: true }))

vi.mock('write-file-atomic', async (original) => {
  const { default: real } = await original<{ default: (path: string, text: string) => Promise<void> }>()
  return {
    default: async (path: string, text: string) => {
      if (!disk.aliasesFit && path.endsWith('champion'))
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
      return real(path, text)
    },
  }
})

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FileSystem>()
  const spend = () => {
    if (disk.writesLeft-- <= 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  }
  return {
    ...real,
    writeFile: async (...args: Parameters<typeof real.writeFile>) => {
      spend()
      return real.writeFile(...args)
    },
    open: async (...args: Parameters<typeof real.open>) => {
      const handle = await real.open(...args)
      const append = handle.appendFile.bind(handle)
      handle.appendFile = async (data, options) => {
        if (disk.writesLeft <= 0) await append(String(data).slice(0, 5))
        spend()
        return append(data, options)
      }
      return handle
    },
  }
})

let registry: Registry
beforeEach(() => {
  disk.writesLeft = Number.POSITIVE_INFINITY
  disk.aliasesFit = true
  registry = openRegistry(temporaryFolder())
})

describe('the registry', () => {
  test('gives back what was saved', async () => {
    const version = workingVersion('hmm', 1)
    const card = await registry.save(version)
    const stored = await registry.read('hmm', card.id)
    expect(stored.card).toEqual(card)
    expect(card).toMatchObject({ ...version.content, createdAt: version.now, schemaVersion: 1 })
    for (const [name, bytes] of Object.entries(version.files)) {
      expect(Buffer.from(stored.files.get(name)!).equals(bytes)).toBe(true)
    }
  })

  test('lists versions oldest first, and none where there is nothing', async () => {
    expect(await registry.list('hmm')).toEqual([])
    const second = await registry.save(workingVersion('hmm', 2))
    const first = await registry.save(workingVersion('hmm', 1))
    await registry.promote('hmm', first.id, 'champion', 'test', NOW)
    expect(await registry.list('hmm')).toEqual([first.id, second.id])
    expect(await registry.list('cde')).toEqual([])
  })

  test('keeps a version as it is when it is saved again', async () => {
    const version = workingVersion('hmm', 1)
    const card = await registry.save(version)
    expect(await registry.save(version)).toEqual(card)
    expect(await registry.list('hmm')).toEqual([card.id])
  })

  test('gives versions of one moment with different content different ids', async () => {
    const version = workingVersion('hmm', 1)
    const a = await registry.save(version)
    const b = await registry.save({ ...version, content: { ...version.content, seed: 8 } })
    expect(a.id).not.toBe(b.id)
  })

  test('moves aliases and remembers every move', async () => {
    const [a, b] = [await registry.save(workingVersion('cde', 1)), await registry.save(workingVersion('cde', 2))]
    await registry.promote('cde', a.id, 'champion', 'first', NOW)
    await registry.promote('cde', b.id, 'champion', 'better macro-F1', NOW + 1)
    await registry.promote('cde', a.id, 'challenger', 'try again', NOW + 2)
    expect(await registry.resolve('cde', 'champion')).toBe(b.id)
    expect(await registry.resolve('cde', 'challenger')).toBe(a.id)
    expect(await registry.moves()).toEqual([
      { time: NOW, kind: 'cde', alias: 'champion', from: null, to: a.id, reason: 'first' },
      { time: NOW + 1, kind: 'cde', alias: 'champion', from: a.id, to: b.id, reason: 'better macro-F1' },
      { time: NOW + 2, kind: 'cde', alias: 'challenger', from: null, to: a.id, reason: 'try again' },
    ])
  })

  test('leaves out a line of the log that a crash has torn, and mends it with the next move', async () => {
    const { id } = await registry.save(workingVersion('hmm', 1))
    const log = join(registry.directory, 'log.jsonl')
    await registry.promote('hmm', id, 'champion', 'first', NOW)
    writeFileSync(log, `${readFileSync(log, 'utf8')}{"time":17`)
    expect(await registry.log()).toMatchObject({ entries: [{ reason: 'first' }], remarks: [] })
    await registry.promote('hmm', id, 'champion', 'second', NOW)
    expect((await registry.moves()).map(({ reason }) => reason)).toEqual(['first', 'second'])
    expect(readFileSync(log, 'utf8').split('\n')).toHaveLength(3)
  })

  test('passes over a line inside the log that is no entry, and says so', async () => {
    const { id } = await registry.save(workingVersion('hmm', 1))
    const log = join(registry.directory, 'log.jsonl')
    await registry.promote('hmm', id, 'champion', 'first', NOW)
    writeFileSync(log, `{"time":17\n${readFileSync(log, 'utf8')}`)
    await registry.promote('hmm', id, 'champion', 'second', NOW)
    const { entries, remarks } = await registry.log()
    expect(entries).toMatchObject([{ reason: 'first' }, { reason: 'second' }])
    expect(remarks).toEqual([`${log} line 1 is no entry of the log and is passed over`])
  })

  test('keeps one version when the same is saved twice at once', async () => {
    const version = workingVersion('hmm', 1)
    const [a, b] = await Promise.all([registry.save(version), openRegistry(registry.directory).save(version)])
    expect(a).toEqual(b)
    expect(readdirSync(join(registry.directory, 'hmm'))).toEqual([a.id])
    expect((await registry.read('hmm', a.id)).card).toEqual(a)
  })

  test('says of a champion that is not there who could be one', async () => {
    await expect(registry.resolve('hmm', 'champion')).rejects.toThrow(/no hmm is champion in .*: train one/)
    const { id } = await registry.save(workingVersion('hmm', 1))
    await registry.promote('hmm', id, 'challenger', 'trained', NOW)
    await expect(registry.resolve('hmm', 'champion')).rejects.toThrow(`the challenger ${id} waits for a verdict`)
  })

  test('knows what another registry on the same folder did', async () => {
    const card = await registry.save(workingVersion('hmm', 1))
    await registry.promote('hmm', card.id, 'champion', 'test', NOW)
    expect(await openRegistry(registry.directory).resolve('hmm', 'champion')).toBe(card.id)
  })

  test.each([
    ['no model.onnx', { files: { 'weights.bin': new Uint8Array(1) } }, 'needs the file model.onnx'],
    ['a file outside its folder', { files: { 'model.onnx': new Uint8Array(1), '../x': new Uint8Array(1) } }, '"../x"'],
    ['a card without channels', { content: cardContent('hmm', { channels: [] }) }, 'model card: channels'],
  ])('refuses a version with %s', async (_, fault, message) => {
    const saving = registry.save({ ...workingVersion('hmm', 1), ...fault })
    await expect(saving).rejects.toThrow(InputError)
    await expect(registry.save({ ...workingVersion('hmm', 1), ...fault })).rejects.toThrow(message)
  })
})

describe('a version that is not what it was', () => {
  let id: string
  let folder: string
  beforeEach(async () => {
    id = (await registry.save(workingVersion('hmm', 1))).id
    folder = join(registry.directory, 'hmm', id)
  })

  const faults: [string, () => void, string][] = [
    ['a changed byte', () => changeByte(join(folder, 'model.onnx')), 'model.onnx was changed'],
    ['a truncated file', () => truncateSync(join(folder, 'weights.json'), 10), 'weights.json has 10 bytes'],
    ['a missing file', () => rmSync(join(folder, 'selfcheck.json')), 'selfcheck.json is missing'],
    ['a missing card', () => rmSync(join(folder, 'card.json')), 'card.json is missing'],
    ['an empty card', () => truncateSync(join(folder, 'card.json'), 0), 'card.json is not whole JSON'],
    ['a truncated card', () => truncateSync(join(folder, 'card.json'), 300), 'card.json is not whole JSON'],
    ['a missing folder', () => rmSync(folder, { recursive: true }), 'card.json is missing'],
    [
      'a rewritten card',
      () => edit(join(folder, 'card.json'), '"macroF1": 0.5', '"macroF1": 0.9'),
      'was changed after',
    ],
    ['a card that breaks the schema', () => edit(join(folder, 'card.json'), '"kappa": 1.05', '"kappa": -1'), 'kappa'],
  ]
  test.each(faults)('%s is a model error that names it', async (_, harm, message) => {
    harm()
    await expect(registry.read('hmm', id)).rejects.toThrow(ModelError)
    await expect(registry.read('hmm', id)).rejects.toThrow(message)
    await expect(registry.promote('hmm', id, 'champion', 'test', NOW)).rejects.toThrow(ModelError)
    await expect(registry.resolve('hmm', 'champion')).rejects.toThrow('no hmm is champion')
  })

  test('a card of another kind is refused', async () => {
    mkdirSync(join(registry.directory, 'cde', id), { recursive: true })
    for (const name of readdirSync(folder)) {
      writeFileSync(join(registry.directory, 'cde', id, name), readFileSync(join(folder, name)))
    }
    await expect(registry.read('cde', id)).rejects.toThrow('holds the card of hmm')
  })

  test('an alias file with anything but an id in it is refused, and can be replaced', async () => {
    writeFileSync(join(registry.directory, 'hmm', 'champion'), '../../etc')
    await expect(registry.resolve('hmm', 'champion')).rejects.toThrow('does not hold the id')
    await registry.promote('hmm', id, 'champion', 'repair', NOW)
    expect(await registry.resolve('hmm', 'champion')).toBe(id)
  })

  test('what is no id is the caller’s mistake', async () => {
    await expect(registry.read('hmm', '../hmm')).rejects.toThrow(InputError)
  })
})

describe('a full disk', () => {
  test.each([0, 1, 2, 3])(
    'after %d files leaves no half-written version and the champion as it was',
    async (writes) => {
      const champion = await registry.save(workingVersion('hmm', 1))
      await registry.promote('hmm', champion.id, 'champion', 'first', NOW)
      disk.writesLeft = writes
      await expect(registry.save(workingVersion('hmm', 2))).rejects.toThrow(FatalError)
      disk.writesLeft = writes
      await expect(registry.save(workingVersion('hmm', 2))).rejects.toThrow(
        'the disk is full: free some space (ENOSPC)',
      )
      expect(readdirSync(join(registry.directory, 'hmm')).sort()).toEqual([champion.id, 'champion'])
      expect((await registry.read('hmm', await registry.resolve('hmm', 'champion'))).card).toEqual(champion)
    },
  )

  test('while an alias moves leaves it where it was, and no torn line in the log', async () => {
    const champion = await registry.save(workingVersion('hmm', 1))
    const challenger = await registry.save(workingVersion('hmm', 2))
    await registry.promote('hmm', champion.id, 'champion', 'first', NOW)
    disk.writesLeft = 0
    await expect(registry.promote('hmm', challenger.id, 'champion', 'second', NOW)).rejects.toThrow(FatalError)
    disk.writesLeft = Number.POSITIVE_INFINITY
    expect(await registry.resolve('hmm', 'champion')).toBe(champion.id)
    expect(await registry.moves()).toHaveLength(1)
    await registry.promote('hmm', challenger.id, 'champion', 'third', NOW)
    expect(await registry.moves()).toHaveLength(2)
  })

  test('that takes the log line but not the alias strikes the line out again', async () => {
    const [a, b] = [await registry.save(workingVersion('hmm', 1)), await registry.save(workingVersion('hmm', 2))]
    await registry.promote('hmm', a.id, 'champion', 'first', NOW)
    disk.aliasesFit = false
    await expect(registry.promote('hmm', b.id, 'champion', 'second', NOW)).rejects.toThrow(FatalError)
    expect(await registry.resolve('hmm', 'champion')).toBe(a.id)
    expect(await registry.moves()).toHaveLength(1)
    disk.aliasesFit = true
    await registry.promote('hmm', b.id, 'champion', 'third', NOW)
    expect((await registry.moves()).map(({ reason }) => reason)).toEqual(['first', 'third'])
  })

  test('that takes one alias of two moves neither', async () => {
    const [a, b] = [await registry.save(workingVersion('hmm', 1)), await registry.save(workingVersion('hmm', 2))]
    await registry.promote('hmm', a.id, 'challenger', 'first', NOW)
    disk.aliasesFit = false
    const move = { time: NOW, kind: 'hmm' as const, to: b.id, reason: 'both' }
    const both = [
      { ...move, alias: 'challenger' as const, from: a.id },
      { ...move, alias: 'champion' as const, from: null },
    ]
    await expect(registry.change(async () => both)).rejects.toThrow(FatalError)
    disk.aliasesFit = true
    expect(await registry.resolve('hmm', 'challenger')).toBe(a.id)
    expect(await registry.find('hmm', 'champion')).toBeUndefined()
    expect(await registry.moves()).toHaveLength(1)
  })
})

function changeByte(path: string): void {
  const bytes = readFileSync(path)
  bytes[Math.floor(bytes.length / 2)] ^= 1
  writeFileSync(path, bytes)
}

function edit(path: string, from: string, to: string): void {
  const text = readFileSync(path, 'utf8')
  expect(text).toContain(from)
  writeFileSync(path, text.replace(from, to))
}
