import { ModelError } from '#data/errors.ts'
import { buildWindows, type Windows } from '#data/windows.ts'
import { type CardContent, sha256, timeOfVersion } from '#models/card.ts'
import { checkParity } from '#models/onnx/parity.ts'
import { asRegimeModel, openOnnxSession } from '#models/onnx/session.ts'
import { openStepSession, streamWindows } from '#models/onnx/step-session.ts'
import { mostProbable, REGIMES, type Regime, type RegimeModel, type ServedKind } from '#models/regime.ts'
import { ONNX_FILE, openRegistry, STEP_FILE } from '#models/registry.ts'
import { encodeSelfCheck, SELF_CHECK_FILE } from '#models/self-check.ts'
import manifest from '../package.json' with { type: 'json' }
import { type Samples, selectSamples } from './dataset.ts'
import { predict } from './evaluate-models.ts'
import { classScores, confusionMatrix, occupancy } from './metrics.ts'
import type { PreparedDataset } from './prepare.ts'

/** A model that was just fitted, about to become a version in the registry. */
export interface FittedModel {
  readonly kind: ServedKind
  readonly knots: number
  readonly channels: readonly string[]
  readonly scaling: CardContent['scaling']
  readonly configuration: Record<string, unknown>
  readonly metrics: Record<string, unknown>
  /** Bytes of the weights and the name of their file. */
  readonly weights: { readonly file: string; readonly bytes: Uint8Array }
  /** Writes the ONNX graph that takes windows, with this metadata. */
  readonly write: (metadata: Record<string, string>) => Uint8Array
  /** Writes the ONNX graph that takes one knot after the other. */
  readonly writeStep: (metadata: Record<string, string>) => Uint8Array
  /** The model as it was trained, what the graph is compared with. */
  readonly estimate: (windows: Windows) => Promise<Float32Array>
}

/** How a checkpoint did on the validation fold of the coins evaluated. */
export interface ValidationScore {
  readonly macroF1: number
  readonly accuracy: number
  /** Share of the predictions of each regime. */
  readonly occupancy: Record<Regime, number>
}

/** A version that is in the registry. */
export interface Checkpoint {
  readonly kind: ServedKind
  readonly id: string
  /** The ONNX file. */
  readonly path: string
  readonly sha256: string
  /** Largest absolute difference of probabilities between the trained model and onnxruntime. */
  readonly maxAbsDiff: number
  readonly validation: ValidationScore
}

/** Windows on which a graph is compared with the model it was written from. */
const PARITY_WINDOWS = 1000

export interface CheckpointContext {
  readonly models: string
  readonly seed: number
  /** Key of the training: one that has a version already gets no second one. */
  readonly key?: string
  readonly now: () => number
}

/** How far back a version is looked for by the key of its training, milliseconds: as long as jobs are kept. */
const REMEMBERED = 7 * 86_400_000

/**
 * The version that a training of this key has saved: its process may have been lost before it could say so.
 *
 * @param training `now`, UTC milliseconds
 * @returns undefined where there is none that is whole
 */
export async function findTrained(training: {
  readonly kind: ServedKind
  readonly models: string
  readonly key: string
  readonly now: number
}): Promise<Checkpoint | undefined> {
  const { kind, models, key, now } = training
  const registry = openRegistry(models)
  for (const id of (await registry.list(kind)).reverse()) {
    if (timeOfVersion(id) < now - REMEMBERED) return undefined
    const stored = await registry.read(kind, id).catch((error) => {
      // A broken version is no answer: it is made again.
      if (!(error instanceof ModelError)) throw error
    })
    if (stored?.card.training !== key) continue
    const { card, path } = stored
    return {
      kind,
      id,
      path: `${path}/${ONNX_FILE}`,
      sha256: card.files[ONNX_FILE].sha256,
      maxAbsDiff: card.parity.maxAbsDiff,
      // Written by `saveCheckpoint` below.
      validation: card.metrics.validation as ValidationScore,
    }
  }
  return undefined
}

/**
 * Writes the ONNX graphs, runs them at once in onnxruntime on real windows, compares both (the window's and the
 * streaming step, knot by knot) with the trained model, and saves the version with its card and self-check.
 *
 * @throws {ModelError} where graph and model differ by 1e-5 or more
 * @throws {FatalError} where the disk refuses
 */
export async function saveCheckpoint(
  dataset: PreparedDataset,
  model: FittedModel,
  context: CheckpointContext,
): Promise<Checkpoint> {
  const now = context.now()
  const metadata = {
    kind: model.kind,
    channels: JSON.stringify(model.channels),
    knots: String(model.knots),
    regimes: JSON.stringify(REGIMES),
    label: JSON.stringify(dataset.label),
    data_hash: dataset.hash,
    training_id: `${model.kind}-${new Date(now).toISOString()}-${context.seed}`,
  }
  const onnx = model.write(metadata)
  const step = model.writeStep(metadata)
  const session = await openOnnxSession(onnx, { threads: 1 })
  try {
    const served = asRegimeModel(session, model)
    const validation = selectSamples(dataset, 'validation', { knots: model.knots, coins: new Set(dataset.coins) })
    const windows = buildWindows(spread(validation, PARITY_WINDOWS), model.knots, model.channels)
    const expected = await model.estimate(windows)
    const maxAbsDiff = checkParity(`${model.kind} graph`, expected, await served.estimate(windows))
    const streaming = checkParity(`${model.kind} step`, expected, await streamed(step, windows))
    const score = await scoreOf(served, validation)
    const registry = openRegistry(context.models)
    // Another process may have done the same meanwhile, one that was taken for lost.
    const { key, models } = context
    const before = key === undefined ? undefined : await findTrained({ kind: model.kind, models, key, now })
    if (before) return before
    const card = await registry.save({
      content: {
        kind: model.kind,
        channels: [...model.channels],
        knots: model.knots,
        label: { w: dataset.label.halfWidth, kappa: dataset.label.kappa },
        scaling: model.scaling,
        seed: context.seed,
        configuration: model.configuration,
        data: {
          hash: dataset.hash,
          origin: dataset.origin,
          coins: dataset.markets.map((market) => market.bars.coin),
          // All that had a say in the weights: the fold fitted to, and the one that chose the epoch.
          range: { from: dataset.split.train.from, to: dataset.split.validation.to },
        },
        metrics: { ...model.metrics, validation: score, streamingMaxAbsDiff: streaming },
        parity: { maxAbsDiff, windows: windows.count },
        millrace: manifest.version,
        ...(context.key !== undefined && { training: context.key }),
      },
      files: {
        [ONNX_FILE]: onnx,
        [STEP_FILE]: step,
        [model.weights.file]: model.weights.bytes,
        [SELF_CHECK_FILE]: encodeSelfCheck(windows, expected),
      },
      now,
    })
    const { path } = await registry.read(model.kind, card.id)
    return {
      kind: model.kind,
      id: card.id,
      path: `${path}/${ONNX_FILE}`,
      sha256: sha256(onnx),
      maxAbsDiff,
      validation: score,
    }
  } finally {
    await session.dispose()
  }
}

/** What the streaming step says after the last knot of each window. */
async function streamed(step: Uint8Array, windows: Windows): Promise<Float32Array> {
  const session = await openStepSession(step, { threads: 1 })
  try {
    return await streamWindows(session, windows)
  } finally {
    await session.dispose()
  }
}

/** At most `count` ends, evenly spread over all. */
function spread({ ends }: Samples, count: number): Samples['ends'] {
  if (ends.length === 0) throw new ModelError('the validation fold of the coins evaluated has no window')
  const stride = Math.max(1, Math.ceil(ends.length / count))
  return ends.filter((_, i) => i % stride === 0)
}

async function scoreOf(model: RegimeModel, { ends, labels }: Samples): Promise<ValidationScore> {
  const probabilities = await predict(model, ends)
  const predicted = Uint8Array.from(labels, (_, i) => mostProbable(probabilities, i))
  const { macroF1, accuracy } = classScores(confusionMatrix(labels, predicted))
  const share = occupancy(predicted)
  return {
    macroF1,
    accuracy,
    occupancy: Object.fromEntries(REGIMES.map((regime, k) => [regime, share[k]])) as Record<Regime, number>,
  }
}
