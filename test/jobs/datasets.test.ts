import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError, ModelError } from '#data/errors.ts'
import { SIMULATION_START } from '#data/providers/simulated.ts'
import { fetchDataset, publishDataset } from '#jobs/datasets.ts'
import { createTrainingPlace } from '#jobs/workers/remote-training.ts'
import { openRegistry } from '#models/registry.ts'
import { openFolderStore } from '#models/store/folder-store.ts'
import type { ObjectStore } from '#models/store/object-store.ts'
import { fetchVersion } from '#models/store/versions.ts'
import { type DatasetRequest, loadHistory } from '#training/history.ts'
import { temporaryFolder, workingVersion } from '../models/versions.ts'

const HOURS = 24 * 14
const now = () => SIMULATION_START + HOURS * HOUR
const asked = (state: string): DatasetRequest => ({
  source: { source: 'simulated', seed: 4, hours: HOURS, coins: ['BTC', 'ETH', 'FOO'] },
  coins: ['ETH'],
  state,
})

/** `store`, with what was asked of it. */
function watched(store: ObjectStore) {
  const calls: string[] = []
  const watching: ObjectStore = {
    ...store,
    put(key, ...rest) {
      calls.push('put')
      return store.put(key, ...rest)
    },
    get(key, ...rest) {
      calls.push('get')
      return store.get(key, ...rest)
    },
  }
  return { store: watching, calls }
}

describe('a data set on its way to another machine', () => {
  it('is there what it was here, without a source', async () => {
    const store = openFolderStore(temporaryFolder())
    const here = await loadHistory(asked(temporaryFolder()), { now })
    const source = await publishDataset(store, here)
    expect(source).toEqual({ source: 'snapshot', hash: expect.stringMatching(/^[0-9a-f]{64}$/), origin: 'simulated:4' })

    const [stateDirectory, modelsDirectory] = [temporaryFolder(), temporaryFolder()]
    const place = createTrainingPlace({ store, modelsDirectory, stateDirectory })
    const request = { kind: 'hmm', models: '/not/here', dataset: { ...asked('/nor/here'), source } }
    const prepared = (await place.prepare(request)) as typeof request & { dataset: DatasetRequest }
    expect(prepared).toMatchObject({
      kind: 'hmm',
      models: modelsDirectory,
      dataset: { state: stateDirectory, coins: ['ETH'] },
    })
    const there = await loadHistory(prepared.dataset, { now })
    expect(there.hash).toBe(here.hash)
    expect(there).toEqual(here)
  })

  it('is sent once and fetched once', async () => {
    const { store, calls } = watched(openFolderStore(temporaryFolder()))
    const here = await loadHistory(asked(temporaryFolder()), { now })
    const { hash } = await publishDataset(store, here)
    expect(await publishDataset(store, here)).toMatchObject({ hash })
    const directory = temporaryFolder()
    expect(await fetchDataset(store, hash, directory)).toBe(await fetchDataset(store, hash, directory))
    expect(calls).toEqual(['put', 'get'])
  })

  it('is refused where it was changed, and fetched anew where the copy was', async () => {
    const root = temporaryFolder()
    const store = openFolderStore(root)
    const { hash } = await publishDataset(store, await loadHistory(asked(temporaryFolder()), { now }))
    const directory = temporaryFolder()
    const path = await fetchDataset(store, hash, directory)
    await writeFile(path, 'damaged')
    await fetchDataset(store, hash, directory)
    await writeFile(path, 'damaged')
    await writeFile(join(root, 'datasets', hash), 'tampered')
    await expect(fetchDataset(store, hash, directory)).rejects.toThrow(/was changed: its sha256 is/)
    await expect(fetchDataset(store, 'a'.repeat(64), directory)).rejects.toThrow(ModelError)
  })

  it('stays for a while: the three used last', async () => {
    const store = openFolderStore(temporaryFolder())
    const directory = temporaryFolder()
    const hashes: string[] = []
    for (const seed of [1, 2, 3, 4]) {
      const request = { ...asked(temporaryFolder()), source: { source: 'simulated' as const, seed, hours: 24 * 14 } }
      const { hash } = await publishDataset(
        store,
        await loadHistory({ ...request, coins: ['BTC'], pool: ['BTC'] }, { now }),
      )
      hashes.push(hash)
      await fetchDataset(store, hash, directory)
      await fetchDataset(store, hashes[0], directory)
    }
    expect((await readdir(directory)).sort()).toEqual([hashes[0], hashes[2], hashes[3]].sort())
  })
})

describe('the place of a training', () => {
  it('is where the request says when its data are no snapshot', async () => {
    const request = { kind: 'hmm', models: 'there', dataset: asked('there') }
    const place = createTrainingPlace({ modelsDirectory: 'here', stateDirectory: 'here' })
    expect(await place.prepare(request)).toBe(request)
    await place.finish(request, { kind: 'hmm', id: 'x' })
    expect(await place.prepare({ task: 'wheel trial' })).toEqual({ task: 'wheel trial' })
  })

  it('needs a store for a snapshot', async () => {
    const source = { source: 'snapshot', hash: 'a'.repeat(64), origin: 'simulated:1' }
    const place = createTrainingPlace({ modelsDirectory: 'here', stateDirectory: 'here' })
    const error = await place.prepare({ dataset: { source } }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(/start the worker with --store/)
  })

  it('sends the version to the store, from where home fetches it', async () => {
    const store = openFolderStore(temporaryFolder())
    const modelsDirectory = temporaryFolder()
    const { kind, id } = await openRegistry(modelsDirectory).save(workingVersion('hmm', 1))
    const place = createTrainingPlace({ store, modelsDirectory, stateDirectory: temporaryFolder() })
    const source = { source: 'snapshot', hash: 'a'.repeat(64), origin: 'simulated:1' }
    await place.finish({ dataset: { source } }, { kind, id })
    const home = openRegistry(temporaryFolder())
    expect(await fetchVersion(store, home, { kind, id, now: now() })).toBe(true)
    expect((await home.read(kind, id)).card.id).toBe(id)
  })
})
