import { createRandom } from '#data/random.ts'
import { sliceWindows } from '#data/windows.ts'
import { type Backend, selectBackend } from '#models/backend.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { regimeProbabilities } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { writeNeuralCdeStep } from '#models/onnx/neural-cde-step.ts'
import type { FittedModel } from './checkpoint.ts'
import { selectChannels, selectSamples, usefulStride } from './dataset.ts'
import { fitClassifier } from './fit-classifier.ts'
import type { TrainingOptions } from './options.ts'
import type { PreparedDataset } from './prepare.ts'
import type { TrainingContext } from './train.ts'
import type { Epoch } from './training-state.ts'

/** What is told of a CDE's training besides its checkpoint. */
export interface CdeTraining {
  readonly backend: Backend
  readonly epochs: readonly Epoch[]
  readonly bestEpoch: number
}

/** Windows that one forward pass takes when the graph is compared with the model. */
const FORWARD_BATCH = 512

/** Trains a neural CDE on every market of the data set. */
export async function trainCde(
  dataset: PreparedDataset,
  options: TrainingOptions,
  seed: number,
  context: TrainingContext,
): Promise<{ model: FittedModel; training: CdeTraining }> {
  const backend = await selectBackend(options.backend)
  context.logger.info({ backend: backend.name }, `training on ${backend.name}: ${backend.reason}`)
  const { channels, sometimesMissing, scaling } = selectChannels(dataset)
  const architecture: Architecture = {
    ...options.architecture,
    channels,
    counted: sometimesMissing,
    knots: options.knots,
  }
  const { knots } = options
  const stride = usefulStride(selectSamples(dataset, 'train', { knots }).ends.length, options.stride)
  const fit = await fitClassifier({
    architecture,
    scaling,
    train: selectSamples(dataset, 'train', { knots, stride }),
    validation: selectSamples(dataset, 'validation', { knots, stride }),
    options: options.cde,
    random: createRandom(seed).fork('neural-cde'),
    clock: () => performance.now(),
    signal: context.signal,
    ...epochProgress(options.cde.epochs, context),
  })
  const { epochs } = options.cde
  const note = `epoch ${fit.bestEpoch} of ${fit.epochs.length} kept`
  context.progress({ stage: 'train cde', done: epochs, total: epochs, note })
  const model: FittedModel = {
    kind: 'cde',
    knots,
    channels,
    scaling: { channels: [...scaling.channels], median: [...scaling.median], iqr: [...scaling.iqr] },
    configuration: { architecture, training: options.cde, stride, backend: backend.name },
    metrics: { epochs: fit.epochs.length, bestEpoch: fit.bestEpoch, ...fit.epochs[fit.bestEpoch - 1] },
    weights: { file: 'weights.bin', bytes: new Uint8Array(fit.parameters.slice().buffer) },
    write: (metadata) => writeNeuralCdeGraph(architecture, fit.parameters, scaling, metadata),
    writeStep: (metadata) => writeNeuralCdeStep(architecture, fit.parameters, scaling, metadata),
    async estimate(windows) {
      const probabilities = new Float32Array(windows.count * 3)
      for (let start = 0; start < windows.count; start += FORWARD_BATCH) {
        const part = sliceWindows(windows, start, Math.min(windows.count, start + FORWARD_BATCH))
        const path = controlPath(part, architecture, scaling)
        probabilities.set(await regimeProbabilities(architecture, fit.parameters, path), start * 3)
      }
      return probabilities
    },
  }
  return { model, training: { backend, epochs: fit.epochs, bestEpoch: fit.bestEpoch } }
}

/** Progress in hundredths of an epoch, with the last epoch's scores as the note. */
function epochProgress(epochs: number, context: TrainingContext) {
  let note = 'first epoch'
  const report = (done: number) => context.progress({ stage: 'train cde', done, total: epochs, note })
  return {
    onBatch: (epoch: number, share: number) => report(Math.floor((epoch - 1 + share) * 100) / 100),
    onEpoch: ({ epoch, validationLoss, validationMacroF1 }: Epoch) => {
      note = `epoch ${epoch}: validation loss ${validationLoss.toFixed(3)}, macro-F1 ${validationMacroF1.toFixed(3)}`
      context.logger.debug({ epoch, validationLoss, validationMacroF1 }, note)
    },
  }
}
