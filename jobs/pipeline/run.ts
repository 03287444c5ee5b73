import { join, resolve } from 'node:path'
import { type Regime, SERVED_KINDS } from '#models/regime.ts'
import type { Evaluation } from '#training/evaluation.ts'
import { writeReport } from '#training/report/report.ts'
import { type Verdict, verdict } from '#training/verdict.ts'
import { datasetRequest, loadDataset, summariseDataset } from './dataset.ts'
import { compareModels, isoRange } from './evaluate.ts'
import { withFleet } from './fleet.ts'
import { type InferenceSummary, inferRange } from './infer.ts'
import { reportData } from './report.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'
import { createStopwatch } from './stopwatch.ts'
import { mustHave, notServing, trainModels } from './train.ts'
import { summariseWheel, testHours, turnWheel, type WheelSummary } from './wheel.ts'

/** How a model did on the test period. */
export interface ModelSummary {
  readonly accuracy: number
  readonly macroF1: number
  readonly f1: Record<Regime, number>
  readonly perCoin: Evaluation['models'][string]['perCoin']
  readonly logLoss: number
  readonly occupancy: Record<Regime, number>
  readonly collapsed: boolean
  readonly distance?: Evaluation['models'][string]['distance']
}

/** What `run --json` prints. */
export interface RunSummary {
  readonly source: string
  /** Why this source: with `auto` what the exchange answered. */
  readonly sourceReason: string
  readonly coins: readonly string[]
  /** Coins trained on. */
  readonly pool: readonly string[]
  readonly range: { readonly from: string; readonly to: string }
  readonly testFrom: string
  readonly seed: number
  /** The coins evaluated; labelled windows. */
  readonly dataset: {
    readonly bars: number
    readonly windows: number
    readonly classShare: Record<Regime, number>
    readonly hash: string
    readonly notices: number
  }
  readonly backend: { readonly name: string; readonly reason: string }
  readonly evaluation: Record<'cde' | 'hmm' | 'rule' | 'linear', ModelSummary> & Record<string, ModelSummary>
  readonly verdict: Verdict
  readonly onnx: Record<'cde' | 'hmm', { readonly path: string; readonly sha256: string; readonly maxAbsDiff: number }>
  readonly inference: InferenceSummary
  readonly wheel: WheelSummary
  readonly report: { readonly html: string; readonly json: string }
  /** Seconds of each stage. */
  readonly seconds: Record<string, number>
}

/**
 * The main job: data, training on the fleet, comparison on the test period, inference of the test period by the
 * fleet, the wheel, the report.
 */
export async function runPipeline(settings: RunSettings, context: RunContext): Promise<RunSummary> {
  const watch = createStopwatch()
  const { paths, training } = settings
  const source = await watch.time('source', () => resolveSource(settings.source, context))
  const request = datasetRequest(settings, source, context.now())
  const dataset = await watch.time('data', () => loadDataset(request, context))
  const summary = summariseDataset(dataset, training.knots)

  const served = await withFleet(settings, context, async (running) => {
    const trained = await watch.time('train', () => trainModels(settings, request, running, context))
    // Without both there is nothing to compare: better said now than after the inference.
    for (const kind of SERVED_KINDS) mustHave(trained, kind)
    const inferred = await watch.time('infer', () =>
      inferRange(settings, dataset, testHours(dataset), running, context),
    )
    return { trained, ...inferred }
  })
  const { trained, estimates } = served
  const inference = { ...served.summary, degradations: [...notServing(trained), ...served.summary.degradations] }
  const cde = mustHave(trained, 'cde').result
  const hmm = mustHave(trained, 'hmm').result
  const ids = { cde: cde.id, hmm: hmm.id }
  const evaluation = await watch.time('evaluate', () => compareModels(settings, source, dataset, ids, context))
  const wheel = await watch.time('wheel', () => turnWheel(settings, dataset, estimates, context))

  context.progress({ stage: 'report', done: 0, total: 1 })
  const generatedAt = context.now()
  const directory = join(paths.reports, new Date(generatedAt).toISOString().replaceAll(/[:.]/g, '-'))
  const findings = {
    settings,
    source: source.spec.source,
    dataset,
    summary,
    trained,
    evaluation,
    estimates,
    inference,
    wheel,
  }
  const report = await watch.time('report', () =>
    writeReport(reportData({ ...findings, seconds: watch.seconds() }, generatedAt), directory),
  )
  context.progress({ stage: 'report', done: 1, total: 1, note: report.html })

  const artifact = ({ path, sha256, maxAbsDiff }: typeof cde) => ({ path: resolve(path), sha256, maxAbsDiff })
  const { bars, windows, classShare } = summary
  return {
    source: source.spec.source,
    sourceReason: source.reason,
    coins: dataset.coins,
    pool: dataset.markets.map((market) => market.bars.coin),
    range: isoRange(dataset.range),
    testFrom: new Date(dataset.split.test.from).toISOString(),
    seed: settings.seed,
    dataset: { bars, windows, classShare, hash: dataset.hash, notices: dataset.notices.length },
    backend: cde.cde!.backend,
    evaluation: summariseEvaluation(evaluation) as RunSummary['evaluation'],
    verdict: verdict(evaluation),
    onnx: { cde: artifact(cde), hmm: artifact(hmm) },
    inference,
    wheel: summariseWheel(wheel),
    report: { html: resolve(report.html), json: resolve(report.json) },
    seconds: watch.seconds(),
  }
}

function summariseEvaluation({ models, optimum }: Evaluation): Record<string, ModelSummary> {
  const all = optimum ? { ...models, optimum } : models
  return Object.fromEntries(
    Object.entries(all).map(([model, { accuracy, macroF1, f1, perCoin, logLoss, occupancy, collapsed, distance }]) => [
      model,
      { accuracy, macroF1, f1, perCoin, logLoss, occupancy, collapsed, ...(distance && { distance }) },
    ]),
  )
}
