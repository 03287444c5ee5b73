import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InputError, UnavailableError } from '#data/errors.ts'
import { type ModelSource, openModelSource } from '#jobs/workers/model-source.ts'
import { openModels } from '#jobs/workers/open-serving.ts'
import { createWarmServing } from '#jobs/workers/serving.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { promoteVersions } from '#models/registry-promotion.ts'
import { openFolderStore } from '#models/store/folder-store.ts'
import { publishIndex } from '#models/store/index-object.ts'
import type { ObjectStore } from '#models/store/object-store.ts'
import { publishVersion } from '#models/store/versions.ts'
import { NOW, temporaryFolder, workingVersion } from '../../models/versions.ts'
import { silentLogger as logger } from '../silent-logger.ts'

let home: Registry
let store: ObjectStore
let away: boolean
let stateDirectory: string
let time: number
const opened: { close(): Promise<void> }[] = []

beforeEach(() => {
  home = openRegistry(temporaryFolder())
  stateDirectory = temporaryFolder()
  away = false
  time = NOW
  const folder = openFolderStore(temporaryFolder())
  store = {
    ...folder,
    get: (...asked) => (away ? Promise.reject(new UnavailableError('the store is away')) : folder.get(...asked)),
  }
})
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})

const open = async (change: Partial<Parameters<typeof openModelSource>[0]> = {}): Promise<ModelSource> => {
  const source = await openModelSource({
    store,
    stateDirectory,
    open: openModels,
    now: () => time,
    followInterval: 3_600_000,
    logger,
    ...change,
  })
  opened.push(source)
  return source
}
const serve = (source: ModelSource) => {
  const { directory: modelsDirectory, open, remarks } = source
  const warm = createWarmServing({ modelsDirectory, open, remarks, now: () => time, threads: 1, logger })
  opened.unshift(warm)
  return warm
}
const promote = async (seed: number) => {
  const { id } = await home.save(workingVersion('cde', seed))
  await promoteVersions(home, [{ kind: 'cde', id }], { now: NOW, force: 'test' })
  await publishIndex(store, home)
  return id
}
const told = ({ kind, id, degradations }: { kind: string; id?: string; degradations: readonly string[] }) =>
  Promise.resolve({ kind, id, degradations })

describe('the models of a worker', () => {
  it('are those of its folder, if it has one, store or no store', async () => {
    const champion = await promote(1)
    const source = await open({ modelsDirectory: home.directory })
    expect(source.directory).toBe(home.directory)
    away = true
    expect(await serve(source).use({}, told)).toEqual({ kind: 'cde', id: champion, degradations: [] })
  })

  it('are those of the store from the first job on', async () => {
    const champion = await promote(1)
    const source = await open()
    expect(source.directory).toBe(join(stateDirectory, 'models-cache'))
    expect(await serve(source).use({}, told)).toEqual({ kind: 'cde', id: champion, degradations: [] })
  })

  it('come from the cache where the store is away, which is said in every answer after a while', async () => {
    const champion = await promote(1)
    await (await open()).close()
    away = true
    const warm = serve(await open())
    expect(await warm.use({}, told)).toEqual({ kind: 'cde', id: champion, degradations: [] })
    time += 600_000
    const { degradations } = await warm.use({}, told)
    expect(degradations).toEqual([expect.stringMatching(/^degraded: for 600 s .*: the store is away$/)])
  })

  it('are not to be had where there is neither a cache nor the store, nor a folder', async () => {
    away = true
    await expect(open()).rejects.toThrow(UnavailableError)
    await expect(open({ store: undefined })).rejects.toThrow(InputError)
  })

  it('include versions that are asked for by name', async () => {
    const champion = await promote(1)
    const { kind, id } = await home.save(workingVersion('hmm', 2))
    await publishVersion(store, home, { kind, id })
    const warm = serve(await open())
    expect(await warm.use({ pinned: [{ kind, id }] }, told)).toMatchObject({ kind, id })
    expect(await warm.use({}, told)).toMatchObject({ id: champion })
    // One that nobody has published is the fault of that version; the next one serves.
    const nobodys = { kind: 'cde' as const, id: `${id.slice(0, -4)}0000` }
    const answer = await warm.use({ pinned: [nobodys, { kind, id }] }, told)
    expect(answer).toMatchObject({ kind, id, degradations: [expect.stringMatching(/is unusable/)] })
  })

  it('asked for by name while the store is away are for another try, not for another version', async () => {
    await promote(1)
    const { kind, id } = await home.save(workingVersion('hmm', 2))
    await publishVersion(store, home, { kind, id })
    const warm = serve(await open())
    away = true
    await expect(warm.use({ pinned: [{ kind, id }] }, told)).rejects.toThrow(UnavailableError)
    away = false
    expect(await warm.use({ pinned: [{ kind, id }] }, told)).toMatchObject({ kind, id })
  })

  it('are fetched anew where the copy on this disk was damaged', async () => {
    const champion = await promote(1)
    const source = await open()
    await writeFile(join(source.directory, 'cde', champion, 'model.onnx'), 'damaged')
    expect(await serve(source).use({}, told)).toEqual({ kind: 'cde', id: champion, degradations: [] })
    await rm(join(source.directory, 'cde', champion, 'model.onnx'))
    away = true
    const answer = await serve(source).use({}, told)
    expect(answer).toMatchObject({
      kind: 'none',
      degradations: expect.arrayContaining([expect.stringMatching(/model\.onnx is missing/)]),
    })
  })
})
