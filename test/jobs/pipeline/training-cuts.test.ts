import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RunningFleet } from '#jobs/pipeline/fleet.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import { trainModels } from '#jobs/pipeline/train.ts'
import { openRegistry } from '#models/registry.ts'
import { TrainingOptions } from '#training/options.ts'
import type { TrainingResult } from '#training/train.ts'
import type { Ending } from '#training/training-state.ts'
import { NOW, temporaryFolder, workingVersion } from '../../models/versions.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const round = vi.hoisted(() => ({ outcomes: [] as unknown[] }))
vi.mock('#jobs/train-round.ts', () => ({ trainRound: async () => round.outcomes }))
afterEach(() => vi.restoreAllMocks())

/** What a round says whose CDE ended like this. */
async function degradationsOf(ending: Ending, degradations: readonly string[] = []) {
  const models = temporaryFolder()
  const settings = { training: TrainingOptions.parse({}), seed: 1, paths: { models } } as RunSettings
  const result = async (kind: 'cde' | 'hmm') => {
    const { id } = await openRegistry(models).save(workingVersion(kind, 1))
    const occupancy = { chop: 0.5, trend: 0.3, reversal: 0.2 }
    return { kind, id, maxAbsDiff: 0, validation: { macroF1: 0.5, accuracy: 0.5, occupancy } } as TrainingResult
  }
  const cde = {
    ...(await result('cde')),
    cde: { backend: { name: 'wasm', reason: 'r' }, epochs: [], bestEpoch: 1, threads: 1, ending, degradations },
  }
  round.outcomes = [
    { ok: true, result: cde },
    { ok: true, result: await result('hmm') },
  ]
  const warn = vi.spyOn(logger, 'warn').mockImplementation(() => {})
  const dataset = { source: { source: 'simulated', seed: 1 }, state: 'var' } as const
  const context = { now: () => NOW, progress: () => {}, logger }
  const outcome = await trainModels(settings, dataset, {} as RunningFleet, context)
  expect(outcome.trained.cde!.result.id).toBe(cde.id)
  expect(warn.mock.calls.map((call) => call[1])).toEqual(outcome.degradations)
  return outcome.degradations
}

describe('a training that was not what it was meant to be', () => {
  it('is told where a backend failed, once', async () => {
    const words = 'webgpu failed in epoch 3: lost; epoch 2 of 2 was kept'
    expect(await degradationsOf({ by: 'failure', reason: 'cut short after 2 of 9 epochs' }, [words])).toEqual([
      `degraded: training of the CDE: ${words}`,
    ])
  })

  it('is told where its minutes were over', async () => {
    expect(await degradationsOf({ by: 'minutes', reason: 'cut short after 2 of 9 epochs: time' })).toEqual([
      'degraded: training of the CDE: cut short after 2 of 9 epochs: time',
    ])
  })

  it('is no news where it ended as it should', async () => {
    expect(await degradationsOf({ by: 'patience', reason: 'r' })).toEqual([])
    expect(await degradationsOf({ by: 'epochs', reason: 'r' })).toEqual([])
  })
})
