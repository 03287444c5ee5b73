import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import { keepVerdict } from '#jobs/pipeline/verdicts.ts'
import type { VersionIds } from '#jobs/pipeline/versions.ts'
import { openRecords } from '#jobs/records.ts'
import { exportStep } from '#jobs/retraining/export-step.ts'
import { openProgress, type RetrainingProgress, type StepResults } from '#jobs/retraining/progress.ts'
import { promoteStep } from '#jobs/retraining/promote-step.ts'
import type { ServedKind } from '#models/regime.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { promoteVersions } from '#models/registry-promotion.ts'
import { openFolderStore } from '#models/store/folder-store.ts'
import { fetchIndex } from '#models/store/index-object.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import type { Verdict } from '#training/verdict.ts'
import { NOW, temporaryFolder, workingVersion } from '../../models/versions.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const context = { now: () => NOW + 1000, progress: () => {}, logger }
const dataset = { hash: 'abc', origin: 'csv:data', split: { test: { from: NOW, to: NOW + 1 } } } as PreparedDataset
const request = { flow: 'daily-2026-01-01', asOf: NOW, kinds: ['cde' as const, 'hmm' as const], seeds: [1] }
const validation = { macroF1: 0.5, accuracy: 0.5, occupancy: { chop: 0.4, trend: 0.3, reversal: 0.3 } }

let registry: Registry
let settings: RunSettings
let progress: RetrainingProgress
let deps: Parameters<typeof promoteStep>[0]
let seed = 0
beforeEach(() => {
  registry = openRegistry(temporaryFolder())
  settings = { paths: { models: registry.directory } } as RunSettings
  const records = openRecords(':memory:')
  progress = openProgress(records, request.flow, context.now)
  deps = { settings, records, logger, now: context.now } as unknown as typeof deps
  progress.keep('refresh', { degraded: [] } as unknown as StepResults['refresh'])
})

const version = async (kind: ServedKind) => (await registry.save(workingVersion(kind, ++seed))).id
/** What the steps before have left. */
const judged = async (
  challengers: VersionIds,
  field: VersionIds,
  ship: Verdict['ship'],
  fallback?: ServedKind,
  flaw?: string,
) => {
  const words = { ship, fallback, sentence: `Ship ${ship}.`, gates: [] }
  const { id } = await keepVerdict(settings, dataset, field, {}, words, context)
  const trained = Object.entries(challengers).map(([kind, one]) => [
    kind,
    { kind, id: one, seed: 1, validation, maxAbsDiff: 0, flaw },
  ])
  progress.keep('train', { challengers: Object.fromEntries(trained), failures: [], degraded: [] })
  progress.keep('evaluate', { field, verdict: { id, ...words }, remarks: [] })
}
const finish = async () => {
  progress.keep('export', await exportStep(deps, progress.needed('train'), progress.needed('evaluate')))
  return promoteStep(deps, request, progress)
}
const champions = async () => [await registry.find('cde', 'champion'), await registry.find('hmm', 'champion')]

describe('the end of a retraining', () => {
  it('makes champions of what the verdict ships, once', async () => {
    const [cde, hmm] = [await version('cde'), await version('hmm')]
    await judged({ cde, hmm }, { cde, hmm }, 'cde', 'hmm')
    const end = await finish()
    expect(end).toMatchObject({ ok: true, promoted: [`cde ${cde}`, `hmm ${hmm}`] })
    expect(end.words).toMatch(
      new RegExp(`^cde ${cde} is champion: verdict [0-9a-f]{16} ships it. hmm ${hmm} is champion`),
    )
    expect(await champions()).toEqual([cde, hmm])
    const moves = await registry.moves()
    expect(moves).toMatchObject([{ role: 'lead' }, { role: 'fallback' }])
    expect(await finish()).toEqual(end)
    expect(await registry.moves()).toEqual(moves)
  })

  it('leaves the champions alone where the verdict ships nothing new', async () => {
    const old = await version('cde')
    await promoteVersions(registry, [{ kind: 'cde', id: old }], { now: NOW, force: 'it serves' })
    const before = await registry.moves()
    const [cde, hmm] = [await version('cde'), await version('hmm')]
    await judged({ cde, hmm }, { cde: old, hmm }, 'cde')
    const end = await finish()
    expect(end).toMatchObject({ ok: true, promoted: [] })
    expect(end.words).toBe(`cde ${cde} is not promoted. hmm ${hmm} is not promoted. Ship cde`)
    expect(await registry.moves()).toEqual(before)
  })

  it('gives a champion its role back where the same verdict makes a new version stand by for it', async () => {
    const [oldCde, oldHmm] = [await version('cde'), await version('hmm')]
    await promoteVersions(registry, [{ kind: 'hmm', id: oldHmm }], { now: NOW, force: 'it leads' })
    const cde = await version('cde')
    // The HMM was made to stand by meanwhile.
    await judged({}, { cde: oldCde, hmm: oldHmm }, 'cde', 'hmm')
    await promoteVersions(
      registry,
      [
        { kind: 'cde', id: oldCde },
        { kind: 'hmm', id: oldHmm },
      ],
      { now: NOW },
    )
    await judged({ cde }, { cde, hmm: oldHmm }, 'hmm', 'cde')
    expect((await finish()).promoted).toEqual([`cde ${cde}`])
    expect((await registry.moves()).slice(-2)).toMatchObject([
      { kind: 'hmm', to: oldHmm, role: 'lead' },
      { kind: 'cde', to: cde, role: 'fallback' },
    ])
  })

  it('does not promote a version that is not what it was on disk, and promotes the other kind', async () => {
    const old = await version('cde')
    await promoteVersions(registry, [{ kind: 'cde', id: old }], { now: NOW, force: 'it serves' })
    const [cde, hmm] = [await version('cde'), await version('hmm')]
    await judged({ cde, hmm }, { cde, hmm }, 'cde', 'hmm')
    await writeFile(join(registry.directory, 'cde', cde, 'model.onnx'), 'something else')
    const end = await finish()
    expect(end).toMatchObject({ ok: false, promoted: [`hmm ${hmm}`] })
    expect(end.words).toMatch(/^cde .* is not promoted: .*model.onnx has 14 bytes/)
    expect(await champions()).toEqual([old, hmm])
  })

  it('does not promote a version that says here something else than when it was trained', async () => {
    const [good, other] = [workingVersion('cde', ++seed), workingVersion('cde', ++seed)]
    const files = { ...good.files, 'selfcheck.json': other.files['selfcheck.json'] }
    const { id: cde } = await registry.save({ ...good, files })
    await judged({ cde }, { cde }, 'cde')
    const end = await finish()
    expect(end).toMatchObject({ ok: false, promoted: [] })
    expect(end.words).toContain('fails its parity check')
    expect(await champions()).toEqual([undefined, undefined])
  })

  it('says what kind has no new version, and that it must not go unheard', async () => {
    const hmm = await version('hmm')
    await judged({ hmm }, { hmm }, 'none', undefined, 'it says chop in less than 5 %')
    expect(await finish()).toMatchObject({
      ok: false,
      words: `There is no new CDE. hmm ${hmm} is not promoted: it says chop in less than 5 %`,
    })
  })

  it('tells other machines: the versions first, then that they serve', async () => {
    const store = openFolderStore(temporaryFolder())
    deps = { ...deps, store }
    const [cde, hmm] = [await version('cde'), await version('hmm')]
    await judged({ cde, hmm }, { cde, hmm }, 'hmm')
    progress.keep('export', await exportStep(deps, progress.needed('train'), progress.needed('evaluate')))
    expect(await store.head(`versions/hmm/${hmm}/card.json`)).toBeDefined()
    expect(await store.head(`versions/cde/${cde}/card.json`)).toBeUndefined()
    expect(await fetchIndex(store)).toBeUndefined()
    await promoteStep(deps, request, progress)
    expect(await fetchIndex(store)).toMatchObject({ index: { champions: [{ kind: 'hmm', id: hmm, role: 'lead' }] } })
  })
})
