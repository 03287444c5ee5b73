import { lowerBound } from '#data/bars.ts'
import { mostProbable } from '#models/regime.ts'
import type { WheelResult } from '#src/wheel-result.ts'
import type { Evaluation } from '#training/evaluation.ts'
import { evaluatedMarkets, type PreparedDataset } from '#training/prepare.ts'
import type { ReportData, Timeline, WheelRecord } from '#training/report/data.ts'
import { gateWords } from '../backtest/gates.ts'
import type { InferRoundResult } from '../infer-round.ts'
import type { DatasetSummary } from './dataset.ts'
import type { InferenceSummary } from './infer.ts'
import type { RunSettings } from './settings.ts'
import { mustHave, type TrainedModels } from './train.ts'
import { testHours } from './wheel.ts'

/** All that a run found out. */
export interface RunFindings {
  readonly settings: RunSettings
  readonly source: string
  readonly dataset: PreparedDataset
  readonly summary: DatasetSummary
  readonly trained: TrainedModels
  readonly evaluation: Evaluation
  readonly estimates: InferRoundResult['estimates']
  readonly inference: InferenceSummary
  readonly wheel: WheelResult
  readonly seconds: Readonly<Record<string, number>>
}

/** Stands for "no regime" and "no label" in a timeline. */
const NONE = 255

/** Puts the findings into the shape that the report shows. */
export function reportData(findings: RunFindings, generatedAt: number): ReportData {
  const { settings, source, dataset, summary, trained, evaluation, inference, seconds } = findings
  const { result: cde } = mustHave(trained, 'cde')
  const { result: hmm } = mustHave(trained, 'hmm')
  const { servedBy } = inference
  const answeredBy = servedBy.id ? `${servedBy.kind} ${servedBy.id}` : servedBy.kind
  return {
    generatedAt,
    source,
    origin: dataset.origin,
    coins: dataset.coins,
    pool: dataset.markets.map((market) => market.bars.coin),
    range: dataset.range,
    testFrom: dataset.split.test.from,
    seed: settings.seed,
    dataset: { ...summary, notices: dataset.notices },
    backend: cde.cde!.backend,
    evaluation,
    training: { cde: { epochs: cde.cde!.epochs, bestEpoch: cde.cde!.bestEpoch, seconds: cde.seconds }, hmm: hmm.hmm! },
    onnx: Object.fromEntries(
      [cde, hmm].map(({ kind, path, sha256, maxAbsDiff }) => [kind, { path, sha256, maxAbsDiff }]),
    ),
    inference: { ...inference, servedBy: { [answeredBy]: inference.windows } },
    wheel: wheelRecord(findings.wheel),
    timelines: timelines(dataset, findings.estimates),
    seconds,
  }
}

function wheelRecord(wheel: WheelResult): WheelRecord {
  const { decisions, trades, fees, funding, realised, equityChange, equity, perCoin, rejections } = wheel
  return {
    decisions,
    trades,
    fees,
    funding,
    realised,
    equityChange,
    equity,
    perCoin: Object.entries(perCoin).map(([coin, { trades, fees, funding, realised }]) => ({
      coin,
      trades,
      fees,
      funding,
      realised,
    })),
    rejections: Object.entries(rejections).map(([gate, count]) => ({ reason: gateWords(gate), count })),
  }
}

/** Price, funding, served regime and label of each coin, hour by hour through the test period. */
function timelines(dataset: PreparedDataset, estimates: InferRoundResult['estimates']): Timeline[] {
  const { from, to } = testHours(dataset)
  return evaluatedMarkets(dataset).map(({ bars, features, labels }) => {
    const start = lowerBound(features.asOf, from)
    const end = lowerBound(features.asOf, to)
    const estimate = estimates.get(bars.coin)
    const regimeAt = (asOf: number) => {
      const row = estimate ? lowerBound(estimate.asOf, asOf) : -1
      return estimate && estimate.asOf[row] === asOf ? mostProbable(estimate.probabilities, row) : NONE
    }
    const asOf = Array.from(features.asOf.subarray(start, end))
    return {
      coin: bars.coin,
      asOf,
      close: Array.from(bars.close.subarray(start, end)),
      funding: Array.from(bars.funding.subarray(start, end)),
      regime: asOf.map(regimeAt),
      label: Array.from(labels.subarray(start, end)),
    }
  })
}
