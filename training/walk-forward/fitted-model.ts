import { sliceWindows, type Windows } from '#data/windows.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { hiddenStates, regimeProbabilities } from '#models/classifier/classifier.ts'
import { type ControlPath, controlPath } from '#models/classifier/control-path.ts'
import type { ParameterVector } from '#models/classifier/parameters.ts'
import { type HmmRegimeModel, hmmAsRegimeModel } from '#models/hmm/regime-model.ts'
import { type LogisticModel, logisticRegimeModel } from '#models/logistic.ts'
import type { RegimeModel } from '#models/regime.ts'
import { type RuleConfidence, ruleModel } from '#models/rule.ts'
import type { Scaling } from '#models/scaling.ts'

/** A classifier of control paths as it was fitted. */
export interface FittedClassifier {
  readonly form: 'classifier'
  readonly architecture: Architecture
  readonly scaling: Scaling
  readonly parameters: ParameterVector
}

/** What came of a fit, as plain data that threads and files can carry. */
export type FittedModel =
  | FittedClassifier
  | { readonly form: 'hmm'; readonly model: HmmRegimeModel }
  | { readonly form: 'logistic'; readonly model: LogisticModel }
  | { readonly form: 'rule'; readonly confidence: RuleConfidence }

/** Windows that one forward pass takes. */
const FORWARD_BATCH = 1024

/** The fitted model as one that answers windows, under `name`. */
export function asEstimator(name: string, fitted: FittedModel): RegimeModel {
  switch (fitted.form) {
    case 'hmm':
      return { ...hmmAsRegimeModel(fitted.model), name }
    case 'logistic':
      return { ...logisticRegimeModel(fitted.model), name }
    case 'rule':
      return { ...ruleModel(fitted.confidence), name }
    case 'classifier': {
      const { architecture, parameters } = fitted
      return {
        name,
        knots: architecture.knots,
        channels: architecture.channels,
        estimate: (windows) =>
          inBatches(fitted, windows, 3, (path) => regimeProbabilities(architecture, parameters, path)),
      }
    }
  }
}

/** Hidden states h(T) of windows, row-major `[count, hidden]`. */
export function hiddenStatesOf(fitted: FittedClassifier, windows: Windows): Promise<Float32Array> {
  const { architecture, parameters } = fitted
  return inBatches(fitted, windows, architecture.hidden, (path) => hiddenStates(architecture, parameters, path))
}

async function inBatches(
  { architecture, scaling }: FittedClassifier,
  windows: Windows,
  width: number,
  forward: (path: ControlPath) => Promise<Float32Array>,
): Promise<Float32Array> {
  const answers = new Float32Array(windows.count * width)
  for (let start = 0; start < windows.count; start += FORWARD_BATCH) {
    const part = sliceWindows(windows, start, Math.min(windows.count, start + FORWARD_BATCH))
    answers.set(await forward(controlPath(part, architecture, scaling)), start * width)
  }
  return answers
}
