import { beforeEach, describe, expect, it } from 'vitest'
import { promoteTrained } from '#jobs/pipeline/promotion.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import type { TrainedModels } from '#jobs/pipeline/train.ts'
import { keepVerdict } from '#jobs/pipeline/verdicts.ts'
import type { VersionIds } from '#jobs/pipeline/versions.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import type { TrainingResult } from '#training/train.ts'
import type { Verdict } from '#training/verdict.ts'
import { NOW, temporaryFolder, workingVersion } from '../../models/versions.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const context = { now: () => NOW, progress: () => {}, logger }
const dataset = { hash: 'abc', origin: 'csv:data', split: { test: { from: NOW, to: NOW + 1 } } } as PreparedDataset
const gates = [
  { candidate: 'cde', name: 'rule', threshold: 0, measured: Number.NaN, passed: false, detail: 'no' },
] as const

let registry: Registry
let settings: RunSettings
let ids: Required<VersionIds>
beforeEach(async () => {
  registry = openRegistry(temporaryFolder())
  settings = { paths: { models: registry.directory } } as RunSettings
  const [cde, hmm] = [await registry.save(workingVersion('cde', 1)), await registry.save(workingVersion('hmm', 1))]
  ids = { cde: cde.id, hmm: hmm.id }
})

const judge = (ship: Verdict['ship'], fallback?: Verdict['fallback']) =>
  keepVerdict(settings, dataset, ids, {}, { ship, fallback, sentence: `Ship ${ship}.`, gates }, context)
const trained = (flaw?: string): TrainedModels => ({
  trained: {
    cde: { result: { kind: 'cde', id: ids.cde } as TrainingResult, flaw },
    hmm: { result: { kind: 'hmm', id: ids.hmm } as TrainingResult },
  },
  failures: {},
  degradations: [],
})
const champions = async () => [await registry.find('cde', 'champion'), await registry.find('hmm', 'champion')]

describe('what was trained', () => {
  it('becomes champion as far as the verdict goes', async () => {
    await judge('none')
    expect(await promoteTrained(settings, trained(), context)).toMatchObject({
      cde: { promoted: false, reason: expect.stringMatching(/^verdict [0-9a-f]{16} ships none$/) },
      hmm: { promoted: false },
    })
    expect(await champions()).toEqual([undefined, undefined])
    await judge('hmm')
    await promoteTrained(settings, trained(), context)
    expect(await champions()).toEqual([undefined, ids.hmm])
    await judge('cde', 'hmm')
    const { cde, hmm } = await promoteTrained(settings, trained(), context)
    expect([cde?.role, hmm?.role]).toEqual(['lead', 'fallback'])
    expect(await champions()).toEqual([ids.cde, ids.hmm])
  })

  it('is left where it is with a flaw of its own, whatever the verdict', async () => {
    await judge('cde', 'hmm')
    const { cde, hmm } = await promoteTrained(settings, trained('it has collapsed'), context)
    expect(cde).toMatchObject({ promoted: false, reason: 'it has collapsed' })
    expect(hmm).toMatchObject({ promoted: true, role: 'fallback' })
    expect(await champions()).toEqual([undefined, ids.hmm])
  })

  it('becomes champion by force, with the reason in the log', async () => {
    await judge('none')
    await promoteTrained(settings, trained('it has collapsed'), context, 'a demonstration')
    expect(await champions()).toEqual([ids.cde, ids.hmm])
    expect(await registry.moves()).toMatchObject([
      { kind: 'cde', role: 'lead', forced: true, reason: 'a demonstration' },
      { kind: 'hmm', role: 'fallback', forced: true, reason: 'a demonstration' },
    ])
  })
})

it('keeps of a verdict what it compared, on what, and the gates in words', async () => {
  const kept = await judge('none')
  const { entries } = await registry.log()
  expect(entries).toEqual([{ ...kept, fallback: undefined }].map((entry) => JSON.parse(JSON.stringify(entry))))
  expect(kept).toMatchObject({
    versions: ids,
    data: { hash: 'abc', origin: 'csv:data' },
    test: { from: NOW, to: NOW + 1 },
    gates: [{ candidate: 'cde', name: 'rule', passed: false, detail: 'no' }],
  })
})
