import { createRandom } from '#data/random.ts'
import { sliceWindows } from '#data/windows.ts'
import type { Backend } from '#models/backend.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { regimeProbabilities } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { writeNeuralCdeStep } from '#models/onnx/neural-cde-step.ts'
import manifest from '../package.json' with { type: 'json' }
import { architectureOf } from './architecture.ts'
import type { FittedModel } from './checkpoint.ts'
import { selectChannels, selectSamples, usefulStride } from './dataset.ts'
import { fitOnBackends } from './fit-on-backends.ts'
import type { TrainingOptions } from './options.ts'
import type { PreparedDataset } from './prepare.ts'
import { stateFile, sweepStates } from './state-file.ts'
import type { TrainingContext } from './train.ts'
import type { Ending, Epoch } from './training-state.ts'

/** What is told of a CDE's training besides its checkpoint. */
export interface CdeTraining {
  readonly backend: Backend
  readonly epochs: readonly Epoch[]
  readonly bestEpoch: number
  /** Threads that it ended with. */
  readonly threads: number
  readonly ending: Ending
  /** Backends that failed, and what became of it. */
  readonly degradations: readonly string[]
}

/** Windows that one forward pass takes when the graph is compared with the model. */
const FORWARD_BATCH = 512

/**
 * Trains a neural CDE on every market of the data set.
 *
 * @param states directory that keeps its state from epoch to epoch: the same training goes on there after its process was killed
 * @returns the model; what is told of its training; and what to call when the model is safe, for its state to be removed
 */
export async function trainCde(
  dataset: PreparedDataset,
  options: TrainingOptions,
  seed: number,
  context: TrainingContext,
  states: string,
): Promise<{ model: FittedModel; training: CdeTraining; finished: () => Promise<void> }> {
  const selection = selectChannels(dataset)
  const { channels, scaling } = selection
  const architecture = architectureOf(options.architecture, selection, options.knots)
  const { knots } = options
  const stride = usefulStride(selectSamples(dataset, 'train', { knots }).ends.length, options.stride)
  await sweepStates(states, context.now())
  const file = stateFile(states, identityOf(dataset, architecture, options, seed))
  const fit = await fitOnBackends({
    on: options,
    file,
    logger: context.logger,
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
  const note = `epoch ${fit.bestEpoch} of ${fit.epochs.length} kept`
  context.progress({ stage: 'train cde', done: options.cde.epochs, total: options.cde.epochs, note })
  if (fit.ending.by === 'minutes') context.logger.warn({ ending: fit.ending }, `the training was ${fit.ending.reason}`)
  const model: FittedModel = {
    kind: 'cde',
    knots,
    channels,
    scaling: { channels: [...scaling.channels], median: [...scaling.median], iqr: [...scaling.iqr] },
    configuration: { architecture, training: options.cde, stride, backend: fit.backend.name, threads: fit.threads },
    metrics: {
      epochs: fit.epochs.length,
      bestEpoch: fit.bestEpoch,
      ...fit.epochs[fit.bestEpoch - 1],
      // Whether it was cut short, and by what: see `Ending`.
      endedBy: fit.ending.by,
      ending: fit.ending.reason,
      degradations: fit.degradations,
    },
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
  const { backend, epochs, bestEpoch, threads, ending, degradations } = fit
  return {
    model,
    training: { backend, epochs, bestEpoch, threads, ending, degradations },
    // After a failure the same training may be asked for again: it then goes on where it was cut short.
    finished: async () => {
      if (ending.by !== 'failure') await file.remove()
    },
  }
}

/** All that decides what comes of a training. */
function identityOf(dataset: PreparedDataset, architecture: Architecture, options: TrainingOptions, seed: number) {
  const { hash, split, label, markets } = dataset
  const { cde, stride, backend } = options
  const coins = markets.map((market) => market.bars.coin)
  return { millrace: manifest.version, data: { hash, split, label, coins }, architecture, cde, stride, backend, seed }
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
