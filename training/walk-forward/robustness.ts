import type { Random } from '#data/random.ts'
import { buildWindows, sliceWindows, type Windows } from '#data/windows.ts'
import { selectBackend } from '#models/backend.ts'
import type { RegimeModel } from '#models/regime.ts'
import { classesOf } from '../evaluation.ts'
import { CONTESTANTS, type Contestant, type Field } from './contestants.ts'
import { drawLostKnots, type LostKnots, maskedKnots, withoutKnots } from './drop-knots.ts'
import type { Fit, FitTask } from './fit.ts'
import { asEstimator } from './fitted-model.ts'
import type { Fold } from './folds.ts'
import { macroF1On } from './score-fit.ts'
import { answersOf, type Runs, type TestBlock } from './test-blocks.ts'

/** Shares of the knots that are lost. */
export const LOST_SHARES = [0, 0.1, 0.3, 0.5] as const
/** Coins that are left out of training, one at a time. */
const UNTRAINED_COINS = 2
const BATCH = 2048

/** Macro-F1 of a contestant with some of each window's knots lost. */
export interface LostKnotsScore {
  readonly contestant: Contestant
  /** How the loss reaches it. */
  readonly how: 'unevenly spaced' | 'masked'
  /** By share lost, `[LOST_SHARES.length]`. */
  readonly macroF1: readonly number[]
}

/** Macro-F1 on a coin, trained with it and without it. */
export interface UntrainedCoin {
  readonly coin: string
  readonly field: Field
  readonly trainedWith: number
  readonly trainedWithout: number
  readonly rule: number
  readonly hours: number
}

/**
 * How each contestant does with hours that never arrived: the last fold, the first seed, the same knots lost for all.
 *
 * The neural CDE, the GRU and the HMM get the knots that are left, unevenly spaced: a control path goes on linearly
 * over the gap, and the HMM's filter takes so many steps of its chain that the gap is hours long, which marginalises
 * what was not seen. The logistic regression counts its lags in knots, so it gets them masked and takes its training
 * mean for each. The hand rule looks at the last knot only, which is never lost.
 */
export async function lostKnots(
  block: TestBlock,
  runs: Runs,
  random: Random,
  signal?: AbortSignal,
): Promise<LostKnotsScore[]> {
  await selectBackend('wasm')
  const scores: LostKnotsScore[] = []
  for (const contestant of CONTESTANTS) {
    const fit = runs[contestant][0].fits.at(-1)
    const how = contestant === 'logistic' || contestant === 'rule' ? 'masked' : 'unevenly spaced'
    const lose = how === 'masked' ? maskedKnots : withoutKnots
    const macroF1: number[] = []
    for (const share of LOST_SHARES) {
      signal?.throwIfAborted()
      const classes = fit
        ? await classesWith(asEstimator(contestant, fit.model), block, share, random.fork(`lost ${share}`), lose)
        : classesOf(answersOf(undefined, block.ends.length))
      macroF1.push(macroF1On(block.samples.label, classes))
    }
    scores.push({ contestant, how, macroF1 })
  }
  return scores
}

async function classesWith(
  model: RegimeModel,
  { ends }: TestBlock,
  share: number,
  random: Random,
  lose: (windows: Windows, lost: LostKnots) => Windows,
): Promise<Uint8Array> {
  const windows = buildWindows(ends, model.knots, model.channels)
  const thinned = lose(windows, drawLostKnots(windows, share, random))
  const probabilities = new Float32Array(ends.length * 3)
  for (let start = 0; start < ends.length; start += BATCH) {
    const part = sliceWindows(thinned, start, Math.min(ends.length, start + BATCH))
    probabilities.set(await model.estimate(part), start * 3)
  }
  return classesOf(probabilities)
}

/** Fits on the last fold that leave out one coin each, for both vector fields: the choice between them comes later. */
export function untrainedCoinTasks(coins: readonly string[], pool: number, fold: Fold, seed: number): FitTask[] {
  // Without another coin there is nothing to learn from.
  if (pool < 2) return []
  return coins
    .slice(0, UNTRAINED_COINS)
    .flatMap((without) =>
      (['cde', 'cdeLinear'] as const).map(
        (contestant): FitTask => ({ contestant, fold, seed, target: 'centred', without }),
      ),
    )
}

/** What the chosen field makes of coins that it has never seen, on the last fold with the first seed. */
export function untrainedCoins(
  block: TestBlock,
  runs: Runs,
  field: Field,
  without: readonly { readonly coin: string; readonly contestant: Contestant; readonly fit?: Fit }[],
): UntrainedCoin[] {
  return without
    .filter(({ contestant }) => contestant === field)
    .map(({ coin, fit }) => {
      const own = [...block.samples.coin.keys()].filter((i) => block.samples.coin[i] === coin)
      const score = (one: Fit | undefined) => {
        const classes = classesOf(answersOf(one?.test, block.samples.label.length))
        const pick = (values: Uint8Array) => Uint8Array.from(own, (i) => values[i])
        return macroF1On(pick(block.samples.label), pick(classes))
      }
      return {
        coin,
        field,
        trainedWith: score(runs[field][0].fits.at(-1)),
        trainedWithout: score(fit),
        rule: score(runs.rule[0].fits.at(-1)),
        hours: own.length,
      }
    })
}
