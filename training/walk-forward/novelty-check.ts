import { ODD_FEATURES } from '#data/features.ts'
import type { Random } from '#data/random.ts'
import { buildWindows, type WindowEnd, type Windows, windowRows } from '#data/windows.ts'
import { selectBackend } from '#models/backend.ts'
import { buildMarkets, selectSamples } from '../dataset.ts'
import { loadHistory } from '../history.ts'
import { fitNovelty, novelShare, noveltyScores } from '../statistics/novelty.ts'
import type { Field } from './contestants.ts'
import { commonKnots, type FitData } from './fit.ts'
import { type FittedClassifier, hiddenStatesOf } from './fitted-model.ts'
import type { TestBlock } from './test-blocks.ts'

/** How many of some windows look new to the model. */
export interface Novelty {
  /** What the windows are. */
  readonly data: string
  /** Share of windows whose hidden state lies beyond the 99 % quantile of those it was trained on. */
  readonly share: number
  /** Median Mahalanobis distance of the hidden state, in standard deviations. */
  readonly median: number
  readonly windows: number
}

const MOST_WINDOWS = 4000
const SIMULATED_HOURS = 2000
const SIMULATED_SEED = 20_250_401
const isReturn = (channel: string) => (ODD_FEATURES as readonly string[]).includes(channel)

/**
 * Mahalanobis distances of the hidden state: those of the training part are the yardstick, the test block should look
 * much like them, and markets unlike any that was trained on should not. Changed data are the windows of the test
 * block with
 * - volatility tripled: returns, volatility and range as in the first hours of a shock, before sigma has followed;
 * - time permuted: the knots of each window in random order;
 * - a flat market: no move, and neither volatility nor range to be measured;
 * and a simulated market that has nothing to do with the source.
 */
export async function noveltyCheck(
  data: FitData,
  block: TestBlock,
  fitted: FittedClassifier,
  field: Field,
  random: Random,
): Promise<{ readonly field: Field; readonly checks: Novelty[] }> {
  await selectBackend('wasm')
  const { channels, knots } = fitted.architecture
  const windowsOf = (ends: readonly WindowEnd[]) => buildWindows(thin(ends, MOST_WINDOWS), knots, channels)
  const training = selectSamples({ ...data, split: block.fold }, 'train', { knots: commonKnots(data.options) })
  const states = await hiddenStatesOf(fitted, windowsOf(training.ends))
  const model = fitNovelty(states, fitted.architecture.hidden)
  const test = windowsOf(block.ends)
  const all: [string, Windows][] = [
    ['training part', windowsOf(training.ends)],
    ['test block', test],
    ['volatility tripled', tripled(test)],
    ['time permuted', permuted(test, random.fork('permuted'))],
    ['flat market', flat(test)],
    ['simulated market', windowsOf(await simulatedEnds(knots))],
  ]
  const checks: Novelty[] = []
  for (const [name, windows] of all) {
    const scores = noveltyScores(model, await hiddenStatesOf(fitted, windows))
    const sorted = scores.filter((score) => !Number.isNaN(score)).sort()
    checks.push({
      data: name,
      share: novelShare(model, scores),
      median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
      windows: sorted.length,
    })
  }
  return { field, checks }
}

/** At most `count` ends, evenly spread. */
function thin(ends: readonly WindowEnd[], count: number): readonly WindowEnd[] {
  const stride = Math.max(1, Math.ceil(ends.length / count))
  return ends.filter((_, i) => i % stride === 0)
}

/** Changes every observed value of the channels named. */
function changed(windows: Windows, change: (channel: string, value: number) => number): Windows {
  const features = windows.features.slice()
  const mask = windows.mask.slice()
  const width = windows.channels.length
  for (let i = 0; i < features.length; i++) {
    if (mask[i] === 0) continue
    const value = change(windows.channels[i % width], features[i])
    features[i] = Number.isNaN(value) ? 0 : value
    mask[i] = Number.isNaN(value) ? 0 : 1
  }
  return { ...windows, features, mask }
}

function tripled(windows: Windows): Windows {
  return changed(windows, (channel, value) => {
    if (isReturn(channel)) return value * 3
    return channel === 'volatility' || channel === 'range' ? value + Math.log(3) : value
  })
}

function flat(windows: Windows): Windows {
  return changed(windows, (channel, value) => {
    if (isReturn(channel)) return 0
    return channel === 'volatility' || channel === 'range' ? Number.NaN : value
  })
}

function permuted(windows: Windows, random: Random): Windows {
  const { count, knots, channels } = windows
  const width = channels.length
  const features = new Float32Array(windows.features.length)
  const mask = new Float32Array(windows.mask.length)
  const order = Uint32Array.from({ length: knots }, (_, i) => i)
  for (let n = 0; n < count; n++) {
    random.shuffle(order)
    for (let knot = 0; knot < knots; knot++) {
      const source = (n * knots + order[knot]) * width
      const target = (n * knots + knot) * width
      features.set(windows.features.subarray(source, source + width), target)
      mask.set(windows.mask.subarray(source, source + width), target)
    }
  }
  return { ...windows, features, mask }
}

async function simulatedEnds(knots: number): Promise<WindowEnd[]> {
  const coins: [string, string] = ['BTC', 'ETH']
  const source = { source: 'simulated' as const, seed: SIMULATED_SEED, hours: SIMULATED_HOURS, coins }
  const { bars } = await loadHistory({ source, coins, state: 'not used by a local source' }, { now: () => 0 })
  return buildMarkets(bars).flatMap(({ features }) =>
    Array.from(windowRows(features, knots), (row) => ({ table: features, row })),
  )
}
