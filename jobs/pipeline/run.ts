import { join, resolve } from 'node:path'
import { type Regime, SERVED_KINDS } from '#models/regime.ts'
import type { Evaluation } from '#training/evaluation.ts'
import { writeReport } from '#training/report/report.ts'
import type { Verdict } from '#training/verdict.ts'
import { datasetRequest, loadDataset, summariseDataset } from './dataset.ts'
import { isoRange } from './evaluate.ts'
import { withFleet } from './fleet.ts'
import { type InferenceSummary, inferRange } from './infer.ts'
import { judgeTrained, type Promotions, promoteTrained } from './promotion.ts'
import { reportData } from './report.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'
import { createStopwatch } from './stopwatch.ts'
import { mustHave, trainModels } from './train.ts'
import type { Pinned } from './versions.ts'
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
  /** Which of the new versions are champions now, and why; the others are challengers. */
  readonly promotion: Promotions
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
    const judgement = await watch.time('evaluate', () => judgeTrained(settings, source, dataset, trained, context))
    const promotions = await promoteTrained(settings, trained, context)
    // The run looks at what it has trained, champion or not: whoever else promotes meanwhile changes nothing here.
    const pinned = pinTrained(judgement.verdict, promotions)
    const inferred = await watch.time('infer', () =>
      inferRange(settings, dataset, testHours(dataset), running, context, pinned),
    )
    return { trained, judgement, promotions, ...inferred }
  })
  const { trained, judgement, promotions, estimates } = served
  const inference = { ...served.summary, degradations: [...trained.degradations, ...served.summary.degradations] }
  const { evaluation } = judgement
  const cde = mustHave(trained, 'cde').result
  const hmm = mustHave(trained, 'hmm').result
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
    verdict: judgement.verdict,
    promotion: promotions,
    onnx: { cde: artifact(cde), hmm: artifact(hmm) },
    inference,
    wheel: summariseWheel(wheel),
    report: { html: resolve(report.html), json: resolve(report.json) },
    seconds: watch.seconds(),
  }
}

/** What the run's own inference is served by: the kind that the verdict ships first, else the neural CDE. */
function pinTrained({ ship }: Verdict, promotions: Promotions): Pinned {
  const all = Object.values(promotions)
  const versions = all
    .map(({ kind, id }) => ({ kind, id }))
    .sort((a, b) => Number(b.kind === ship) - Number(a.kind === ship) || (a.kind < b.kind ? -1 : 1))
  const [first] = all.filter(({ kind }) => kind === versions[0].kind)
  const state = first.promoted ? 'now champion' : 'the champion stays as it was'
  const why = `pinned: ${first.kind.toUpperCase()} ${first.id} was trained by this run; ${state}: ${first.reason}`
  return { versions, why }
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
