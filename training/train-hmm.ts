import { HOUR } from '#data/bars.ts'
import { ModelError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { fitHmm, type HmmTrainingSequence } from '#models/hmm/fit.ts'
import { estimateHmm } from '#models/hmm/regime-model.ts'
import { writeHmmGraph } from '#models/onnx/hmm-graph.ts'
import { writeHmmStep } from '#models/onnx/hmm-step.ts'
import type { FittedModel } from './checkpoint.ts'
import { columnsOf, type Dataset, selectChannels } from './dataset.ts'
import { NO_LABEL } from './labels.ts'
import type { TrainingOptions } from './options.ts'
import type { PreparedDataset } from './prepare.ts'
import { partOf } from './splits.ts'
import type { TrainingContext } from './train.ts'

/** What is worth knowing of an HMM's fit, for the report. */
export type HmmTraining = Record<string, string | number | boolean>

/** Fits a hidden Markov model on every market of the data set; the labels only name its states. */
export async function trainHmm(
  dataset: PreparedDataset,
  options: TrainingOptions,
  seed: number,
  context: TrainingContext,
): Promise<{ model: FittedModel; training: HmmTraining }> {
  const { channels } = selectChannels(dataset)
  const fitted = await fitHmm({
    sequences: trainingSequences(dataset, channels),
    channels,
    options: options.hmm,
    random: createRandom(seed).fork('hmm'),
    progress: (progress) => context.progress({ ...progress, stage: 'train hmm' }),
    signal: context.signal,
  })
  const chosen = fitted.selection.find(({ states }) => states === fitted.states)
  if (!chosen) throw new ModelError(`the HMM of ${fitted.states} states is not among those it was chosen from`)
  const training = {
    states: fitted.states,
    covariance: fitted.covarianceType,
    observations: fitted.scaling.channels.join(', '),
    'log-likelihood': chosen.logLikelihood,
    BIC: chosen.bic,
    rows: chosen.rows,
  }
  const model: FittedModel = {
    kind: 'hmm',
    knots: fitted.knots,
    channels: fitted.channels,
    scaling: fitted.scaling,
    configuration: { hmm: options.hmm },
    metrics: { ...training, selection: fitted.selection },
    weights: { file: 'weights.json', bytes: Buffer.from(JSON.stringify(fitted)) },
    write: (metadata) => writeHmmGraph(fitted, metadata),
    writeStep: (metadata) => writeHmmStep(fitted, metadata),
    estimate: async (windows) => estimateHmm(fitted, windows),
  }
  return { model, training }
}

/** The training fold of each coin, past the warm-up; labels inside a purge are taken away. */
export function trainingSequences(dataset: Dataset, channels: readonly string[]): HmmTrainingSequence[] {
  const sequences: HmmTrainingSequence[] = []
  for (const { features, labels } of dataset.markets) {
    const from = features.sigma.findIndex((sigma) => !Number.isNaN(sigma))
    const end = features.asOf.findIndex((asOf) => asOf >= dataset.split.train.to)
    const to = end < 0 ? features.asOf.length : end
    if (from < 0 || from >= to) continue
    const asOf = features.asOf.subarray(from, to)
    sequences.push({
      values: columnsOf(features, from, to, channels),
      hours: asOf.map((time) => time / HOUR),
      labels: labels.slice(from, to).map((label, i) => (partOf(dataset.split, asOf[i]) === 'train' ? label : NO_LABEL)),
    })
  }
  return sequences
}
