import type { Random } from '#data/random.ts'
import { parzenEstimator } from './parzen.ts'
import { type Assignment, applies, drawEvenly, type Parameter, type SearchSpace, toNumber, toValue } from './space.ts'
import { asLoss, type Direction, type Trial } from './trial.ts'

export interface TpeOptions {
  /** Finished trials before which proposals are drawn evenly. */
  readonly startupTrials: number
  /** Points drawn from the good trials' density, of which the best is proposed. */
  readonly candidates: number
}

const DEFAULTS: TpeOptions = { startupTrials: 10, candidates: 24 }
const GOOD_SHARE = 0.1
const MOST_GOOD = 25

/**
 * Proposes the next trial by a tree-structured Parzen estimator (Bergstra et al. 2011), by the definitions and defaults
 * of Optuna 5's `TPESampler`: the parameters that every trial has are drawn together (multivariate), those with a
 * condition one by one from the trials that have them.
 *
 * Trials that are still running count among the bad ones ("constant liar"), so that several at a time do not crowd on
 * one point. The same trials and the same `random` give the same proposal.
 */
export function proposeTrial(
  space: SearchSpace,
  direction: Direction,
  trials: readonly Trial[],
  random: Random,
  options: Partial<TpeOptions> = {},
): Assignment {
  const { startupTrials, candidates } = { ...DEFAULTS, ...options }
  const known = trials.filter(({ state }) => state !== 'failed')
  const finished = known.filter(({ state }) => state !== 'running')
  if (finished.length < startupTrials) return proposeEvenly(space, random)

  const good = new Set(goodTrials(finished, direction))
  const below = known.filter((trial) => good.has(trial))
  const above = known.filter((trial) => !good.has(trial))
  const names = Object.keys(space).filter((name) => space[name].when === undefined)
  const proposal: Record<string, Assignment[string]> = drawBest(space, names, below, above, candidates, random)
  for (const [name, parameter] of Object.entries(space)) {
    if (parameter.when === undefined || !applies(parameter, proposal)) continue
    Object.assign(proposal, drawBest(space, [name], below, above, candidates, random))
  }
  return inOrder(space, proposal)
}

/** A proposal drawn evenly, each parameter on its own scale. */
export function proposeEvenly(space: SearchSpace, random: Random): Assignment {
  const proposal: Record<string, Assignment[string]> = {}
  for (const [name, parameter] of Object.entries(space)) {
    if (applies(parameter, proposal)) proposal[name] = drawEvenly(parameter, random)
  }
  return proposal
}

/**
 * The tenth (at most 25) that counts as good: complete trials by their objective, then pruned ones by how far they
 * came and what they had there.
 *
 * @param finished complete and pruned trials
 */
export function goodTrials<T extends Trial>(finished: readonly T[], direction: Direction): T[] {
  const count = Math.min(Math.ceil(GOOD_SHARE * finished.length), MOST_GOOD)
  const complete = finished.filter(({ state }) => state === 'complete')
  const pruned = finished.filter(({ state }) => state === 'pruned')
  complete.sort((a, b) => asLoss(direction, a.value!) - asLoss(direction, b.value!))
  pruned.sort((a, b) => b.curve.length - a.curve.length || lastLoss(a, direction) - lastLoss(b, direction) || 0)
  return [...complete, ...pruned].slice(0, count)
}

function lastLoss({ curve }: Trial, direction: Direction): number {
  const last = curve.at(-1) ?? 0
  return Number.isNaN(last) ? Number.MAX_VALUE : asLoss(direction, last)
}

/** Draws from the good trials' density and keeps the point where it is largest against the bad ones' density. */
function drawBest(
  space: SearchSpace,
  names: readonly string[],
  below: readonly Trial[],
  above: readonly Trial[],
  candidates: number,
  random: Random,
): Record<string, Assignment[string]> {
  const parameters = names.map((name) => space[name])
  const good = parzenEstimator(parameters, observationsOf(names, parameters, below))
  const bad = parzenEstimator(parameters, observationsOf(names, parameters, above))
  let best: number[] = []
  let most = Number.NEGATIVE_INFINITY
  for (let i = 0; i < candidates; i++) {
    const point = good.sample(random)
    const gain = good.logDensity(point) - bad.logDensity(point)
    if (i === 0 || gain > most) {
      best = point
      most = gain
    }
  }
  return Object.fromEntries(names.map((name, p) => [name, toValue(parameters[p], best[p])]))
}

/** What the trials that have all of `names` tried, oldest first. */
function observationsOf(names: readonly string[], parameters: readonly Parameter[], trials: readonly Trial[]) {
  return trials
    .filter(({ parameters: tried }) => names.every((name) => tried[name] !== undefined))
    .map(({ parameters: tried }) => names.map((name, p) => toNumber(parameters[p], tried[name])))
}

function inOrder(space: SearchSpace, proposal: Assignment): Assignment {
  return Object.fromEntries(Object.keys(space).flatMap((name) => (name in proposal ? [[name, proposal[name]]] : [])))
}
