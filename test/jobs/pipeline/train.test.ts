import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { InputError, type MillraceError, ModelError, UnavailableError } from '#data/errors.ts'
import type { RunningFleet } from '#jobs/pipeline/fleet.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import { mustHave, trainModels } from '#jobs/pipeline/train.ts'
import type { Outcome } from '#jobs/tally.ts'
import type { ServedKind } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import { WheelOptions } from '#src/options.ts'
import { TrainingOptions } from '#training/options.ts'
import type { TrainingRequest, TrainingResult } from '#training/train.ts'
import { EvaluationOptions } from '#training/walk-forward/options.ts'
import { NOW, temporaryFolder, workingVersion } from '../../models/versions.ts'
import { silentLogger as logger } from '../silent-logger.ts'

/** What the fleet answers; its own ways are tested in `fleet-behaviour.ts`. */
const round = vi.hoisted(() => ({
  outcomes: [] as unknown[],
  asked: [] as unknown[],
}))
vi.mock('#jobs/train-round.ts', () => ({
  trainRound: async ({ requests }: { requests: object[] }) => {
    round.asked = requests
    return round.outcomes
  },
}))

const DATASET = { source: { source: 'simulated', seed: 1 }, state: 'var' } as const
const context = { now: () => NOW, progress: () => {}, logger }
let models: string
let warnings: string[]
beforeEach(() => {
  models = temporaryFolder()
  warnings = []
  vi.spyOn(logger, 'warn').mockImplementation((_: unknown, words?: unknown) => void warnings.push(String(words)))
  vi.spyOn(logger, 'error').mockImplementation((_: unknown, words?: unknown) => void warnings.push(String(words)))
})
afterEach(() => vi.restoreAllMocks())

function settings(): RunSettings {
  return {
    source: DATASET.source,
    seed: 9,
    training: TrainingOptions.parse({}),
    evaluation: EvaluationOptions.parse({}),
    wheel: WheelOptions.parse({}),
    fleet: { namespace: 'test', workers: 1, concurrency: 1 },
    paths: { state: 'var', models, reports: 'var/reports' },
  }
}

/** A training that left a version in the registry and says so. */
async function trained(
  kind: ServedKind,
  occupancy = { chop: 0.5, trend: 0.3, reversal: 0.2 },
  seed = 1,
): Promise<Outcome<TrainingResult>> {
  const { id } = await openRegistry(models).save(workingVersion(kind, seed))
  const validation = { macroF1: 0.51, accuracy: 0.5, occupancy }
  const result = { kind, id, path: 'model.onnx', sha256: 'ab', maxAbsDiff: 1e-7, validation, seconds: 1 }
  return { ok: true, result }
}

const failed = (error: MillraceError): Outcome<TrainingResult> => ({ ok: false, error })
const train = () => trainModels(settings(), DATASET, {} as RunningFleet, context)

describe('trainModels', () => {
  it('asks for a CDE and an HMM on the same data with the same seed, and makes both challengers', async () => {
    round.outcomes = [await trained('cde'), await trained('hmm')]
    const { trained: made, failures } = await train()
    expect(round.asked as TrainingRequest[]).toMatchObject([
      { kind: 'cde', dataset: DATASET, seed: 9, models },
      { kind: 'hmm', dataset: DATASET, seed: 9, models },
    ])
    expect(failures).toEqual({})
    const registry = openRegistry(models)
    for (const kind of ['cde', 'hmm'] as const) {
      expect(made[kind]!.flaw).toBeUndefined()
      expect(await registry.resolve(kind, 'challenger')).toBe(made[kind]!.result.id)
      expect(await registry.find(kind, 'champion')).toBeUndefined()
    }
    expect((await registry.moves())[0].reason).toBe('trained: validation macro-F1 0.510, parity 1.0e-7')
  })

  it.each([
    ['one class', { chop: 1, trend: 0, reversal: 0 }, /trend and reversal in less than 2 %/],
    ['two classes', { chop: 0.6, trend: 0.381, reversal: 0.019 }, /reversal in less than 2 %/],
  ])('says so where the new model has collapsed to %s', async (_, occupancy, words) => {
    round.outcomes = [await trained('cde', occupancy), await trained('hmm')]
    const { trained: made } = await train()
    expect(made.cde!.flaw).toMatch(words)
    expect(made.hmm!.flaw).toBeUndefined()
  })

  it('finds nothing wrong with a model that says a regime just often enough', async () => {
    round.outcomes = [await trained('cde', { chop: 0.96, trend: 0.02, reversal: 0.02 }), await trained('hmm')]
    expect((await train()).trained.cde!.flaw).toBeUndefined()
  })

  it('lets the one stand when the other fails, and says why there is no other', async () => {
    round.outcomes = [failed(new ModelError('training diverged in epoch 3')), await trained('hmm')]
    const outcome = await train()
    expect(outcome.failures).toEqual({ cde: 'training diverged in epoch 3' })
    expect(outcome.trained.cde).toBeUndefined()
    expect(await openRegistry(models).resolve('hmm', 'challenger')).toBe(outcome.trained.hmm!.result.id)
    expect(await openRegistry(models).find('cde', 'challenger')).toBeUndefined()
    expect(warnings.join()).toMatch(/training of the CDE failed: training diverged/)
    expect(mustHave(outcome, 'hmm')).toBe(outcome.trained.hmm)
    expect(() => mustHave(outcome, 'cde')).toThrow(/no CDE to compare.*diverged in epoch 3/)
  })

  it('fails with the first reason when both fail, of its own kind', async () => {
    round.outcomes = [failed(new InputError('no room for a split')), failed(new UnavailableError('away'))]
    await expect(train()).rejects.toThrow('no room for a split')
    await expect(train()).rejects.toBeInstanceOf(InputError)
  })

  it('does not take for a challenger what is broken on disk', async () => {
    const [cde, hmm] = [await trained('cde'), await trained('hmm')]
    if (cde.ok)
      round.outcomes = [{ ok: true, result: { ...cde.result, id: '20250401T120000123Z-0123456789abcdef' } }, hmm]
    await expect(train()).rejects.toThrow(/is missing: train again/)
  })
})
