import { allocateBars, type Bars, HOUR } from '#data/bars.ts'
import { createRandom, type Random } from '#data/random.ts'
import { REGIMES, type Regime } from '#models/regime.ts'
import { buildMarkets, type Market } from '#training/dataset.ts'
import { evaluate } from '#training/evaluation.ts'
import { NO_LABEL } from '#training/labels.ts'
import type { ReportData, Timeline } from '#training/report/data.ts'

const START = Date.UTC(2025, 2, 20)

/** Made-up prices and funding: enough to draw a page with, and nothing more. */
export function sampleBars(coin: string, hours: number, random: Random): Bars {
  const bars = allocateBars(coin, hours)
  let price = 100 * Math.exp(2 * random.normal())
  let funding = 1.25e-5
  for (let i = 0; i < hours; i++) {
    bars.openTime[i] = START + i * HOUR
    bars.open[i] = price
    price *= Math.exp(0.007 * random.normal())
    bars.close[i] = price
    bars.high[i] = Math.max(bars.open[i], price) * 1.002
    bars.low[i] = Math.min(bars.open[i], price) * 0.998
    bars.volume[i] = 10 + random.uniform()
    funding = 1.25e-5 + 0.9 * (funding - 1.25e-5) + 6e-6 * random.normal()
    bars.funding[i] = funding
  }
  return bars
}

/** Probabilities that know the label to the degree of `skill` and keep their mind for a while. */
function madeUpProbabilities(
  markets: readonly Market[],
  rows: number[][],
  skill: number,
  random: Random,
): Float32Array {
  const values: number[] = []
  markets.forEach(({ labels }, m) => {
    const mood = [0, 0, 0]
    for (const row of rows[m]) {
      for (let k = 0; k < 3; k++) mood[k] = 0.85 * mood[k] + 0.35 * random.normal() + (labels[row] === k ? skill : 0)
      const exponentials = mood.map((value) => Math.exp(0.8 * value))
      const sum = exponentials.reduce((a, b) => a + b, 0)
      values.push(...exponentials.map((value) => value / sum))
    }
  })
  return Float32Array.from(values)
}

function shares(labels: Iterable<number>): Record<Regime, number> {
  const counts = [0, 0, 0]
  for (const k of labels) if (k < 3) counts[k]++
  const total = counts[0] + counts[1] + counts[2]
  return { chop: counts[0] / total, trend: counts[1] / total, reversal: counts[2] / total }
}

export interface SampleOptions {
  readonly bars?: readonly Bars[]
  readonly coins?: readonly string[]
  readonly hours?: number
  /** Pretend that the data were simulated, with a best possible answer. */
  readonly simulated?: boolean
}

/** Report data that is whole and plausible, with made-up answers of the models. For tests of the report only. */
export function sampleReport(options: SampleOptions = {}): ReportData {
  const { coins = ['BTC', 'ETH'], hours = 600, simulated = false } = options
  const random = createRandom(7)
  const bars = options.bars ?? coins.map((coin) => sampleBars(coin, hours, random.fork(coin)))
  const markets = buildMarkets(bars)
  const rows = markets.map(({ labels }) => [...labels.keys()].filter((row) => labels[row] !== NO_LABEL))
  const samples = {
    coin: rows.flatMap((list, m) => list.map(() => bars[m].coin)),
    asOf: Float64Array.from(rows.flatMap((list, m) => list.map((row) => markets[m].features.asOf[row]))),
    label: Uint8Array.from(rows.flatMap((list, m) => list.map((row) => markets[m].labels[row]))),
  }
  const made = (model: string, skill: number) => ({
    model,
    probabilities: madeUpProbabilities(markets, rows, skill, random.fork(model)),
  })
  const predictions = [made('cde', 0.21), made('hmm', 0.05), made('rule', 0.16), made('linear', 0.18)]
  predictions[1].probabilities.fill(Number.NaN, 0, 90)
  const evaluation = evaluate({
    samples,
    predictions,
    ...(simulated && { bestPossible: made('best', 0.5).probabilities, truth: samples.label }),
  })
  const timelines = bars.map((coinBars, m): Timeline => {
    const regime = new Array<number>(coinBars.openTime.length).fill(255)
    const offset = rows.slice(0, m).reduce((sum, list) => sum + list.length, 0)
    rows[m].forEach((row, i) => {
      const start = (offset + i) * 3
      const answer = [...predictions[0].probabilities.subarray(start, start + 3)]
      regime[row] = answer.indexOf(Math.max(...answer))
    })
    return {
      coin: coinBars.coin,
      asOf: [...markets[m].features.asOf],
      close: [...coinBars.close],
      funding: [...coinBars.funding],
      regime,
      label: [...markets[m].labels],
    }
  })
  const from = bars[0].openTime[0]
  const to = (bars[0].openTime.at(-1) as number) + HOUR
  return {
    generatedAt: Date.UTC(2025, 4, 20, 9, 30),
    source: simulated ? 'simulated' : 'csv',
    origin: simulated ? 'simulated:7' : 'csv:shared/data/hyperliquid',
    coins: bars.map(({ coin }) => coin),
    pool: [...bars.map(({ coin }) => coin), 'APT', 'ATOM', 'CRV'],
    range: { from: from - 5000 * HOUR, to },
    testFrom: from,
    seed: 7,
    dataset: {
      bars: 12_345,
      windows: samples.label.length,
      classShare: shares(samples.label),
      perCoin: bars.map(({ coin, openTime }, m) => ({
        coin,
        bars: openTime.length,
        windows: rows[m].length,
        from,
        to,
        gapHours: m === 0 ? 0 : 3,
        fundingMissing: m,
        classShare: shares(markets[m].labels),
      })),
      notices: [
        { coin: bars[0].coin, kind: 'gap', message: '3 hours absent from 2025-04-03 04:00 to 2025-04-03 07:00 UTC' },
        { coin: bars[0].coin, kind: 'duplicate', message: 'row 1,204 repeats 2025-04-05 11:00, the first was kept' },
      ],
    },
    backend: { name: 'wasm', reason: 'tfjs-node-gpu is not installed, no WebGPU adapter; one thread' },
    evaluation,
    training: {
      cde: {
        epochs: Array.from({ length: 24 }, (_, i) => ({
          epoch: i + 1,
          trainLoss: 0.86 + 0.22 * Math.exp(-i / 5) - 0.002 * i,
          validationLoss: 0.89 + 0.15 * Math.exp(-i / 3) + 0.0016 * i + 0.004 * random.normal(),
          validationMacroF1: 0.54 - 0.1 * Math.exp(-i / 3),
        })),
        bestEpoch: 9,
        seconds: 143.2,
      },
      hmm: { states: 4, covariance: 'full', restarts: 5, bic: 183_220.4, logLikelihood: -91_023.7, seconds: 8.4 },
    },
    onnx: {
      cde: { path: 'var/models/cde/2025-05-20T0930-4f2a/model.onnx', sha256: '9f86d081'.repeat(8), maxAbsDiff: 2.1e-7 },
      hmm: { path: 'var/models/hmm/2025-05-20T0930-77ab/model.onnx', sha256: '60303ae2'.repeat(8), maxAbsDiff: 4e-8 },
    },
    inference: {
      broker: 'embedded PostgreSQL',
      workers: 2,
      jobs: 16,
      windows: samples.label.length,
      seconds: 3.1,
      servedBy: { cde: samples.label.length - 30, hmm: 30 },
      degradations: ['ETH, 2025-04-07: the CDE answered with NaN for 30 windows; the HMM served them.'],
    },
    wheel: sampleWheel(bars, random),
    timelines,
    seconds: { fetch: 1.2, features: 0.8, train: 151.6, evaluate: 2.2, inference: 3.1, wheel: 0.9 },
  }
}

function sampleWheel(bars: readonly Bars[], random: Random): ReportData['wheel'] {
  const perCoin = bars.map(({ coin }) => {
    const trades = 3 + random.integer(9)
    return {
      coin,
      trades,
      fees: trades * 4.5,
      funding: 20 * random.normal() + 15,
      realised: 60 * random.normal(),
    }
  })
  const sum = (field: 'trades' | 'fees' | 'funding' | 'realised') =>
    perCoin.reduce((total, row) => total + row[field], 0)
  const equityChange = sum('realised') + sum('funding') - sum('fees')
  const n = bars[0].openTime.length
  let walk = 0
  const noise = Array.from({ length: n }, () => (walk += 3 * random.normal()))
  return {
    decisions: n * bars.length,
    trades: sum('trades'),
    fees: sum('fees'),
    funding: sum('funding'),
    realised: sum('realised'),
    equityChange,
    equity: {
      time: [...bars[0].openTime].map((time) => time + HOUR),
      value: noise.map((value, i) => 10_000 + value - (noise[n - 1] * i) / (n - 1) + (equityChange * i) / (n - 1)),
    },
    perCoin,
    rejections: [
      { reason: 'efficiency below 0.30', count: 812 },
      { reason: 'long more than 2 % below the moving average', count: 97 },
      { reason: `regime is ${REGIMES[2]}`, count: 203 },
    ],
  }
}
