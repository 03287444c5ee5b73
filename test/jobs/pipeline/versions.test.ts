import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunContext, RunSettings } from '#jobs/pipeline/settings.ts'
import { chosenVersions, pinnedVersions } from '#jobs/pipeline/versions.ts'
import { openRegistry } from '#models/registry.ts'
import { temporaryFolder, workingVersion } from '../../models/versions.ts'
import { silentLogger } from '../silent-logger.ts'

test('a champion that was tampered with is left out of a comparison, and the reason said', async () => {
  const models = temporaryFolder()
  const registry = openRegistry(models)
  const words: string[] = []
  const logger = Object.assign(Object.create(silentLogger), { warn: (_: object, text: string) => words.push(text) })
  const settings = { paths: { models } } as RunSettings
  const find = (more = {}) => chosenVersions({ ...settings, ...more }, { logger } as RunContext)

  const cde = await registry.save(workingVersion('cde', 1))
  const hmm = await registry.save(workingVersion('hmm', 2))
  for (const { kind, id } of [cde, hmm]) await registry.promote(kind, id, 'champion', 'test', 0)
  expect(await find()).toEqual({ cde: cde.id, hmm: hmm.id })
  appendFileSync(join(models, 'cde', cde.id, 'model.onnx'), 'x')
  expect(words).toEqual([])
  expect(await find()).toEqual({ hmm: hmm.id })
  expect(words).toEqual([expect.stringMatching(/^the champion CDE is left out: .*model\.onnx has \d+ bytes/)])
  await registry.promote('hmm', hmm.id, 'challenger', 'test', 0)
  expect(await find({ versions: 'challenger' })).toEqual({ hmm: hmm.id })
  expect(words.at(-1)).toMatch(/^the challenger CDE is left out: no cde is challenger/)
})

test('what serves is pinned only where other versions than the champions are asked for', async () => {
  const models = temporaryFolder()
  const registry = openRegistry(models)
  const settings = { paths: { models } } as RunSettings
  const { id } = await registry.save(workingVersion('hmm', 1))
  await registry.promote('hmm', id, 'champion', 'test', 0)
  expect(await pinnedVersions(settings)).toBeUndefined()
  await expect(pinnedVersions({ ...settings, versions: 'challenger' })).rejects.toThrow('no cde is challenger')
  await registry.promote('hmm', id, 'challenger', 'test', 0)
  expect(await pinnedVersions({ ...settings, versions: 'challenger' })).toEqual({
    versions: [{ kind: 'hmm', id }],
    why: expect.stringContaining('the challenger was asked for'),
  })
})
