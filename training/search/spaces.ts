import type { SearchOptions } from './options.ts'
import type { SearchSpace } from './space.ts'
import type { Direction } from './trial.ts'

/** What a search of one kind searches; names are those of the configuration. */
interface Search {
  readonly direction: Direction
  readonly objective: string
  readonly space: SearchSpace
}

const encoder = 'training.architecture.encoder'

/**
 * The regime model. The ranges lie around what a sketch on the real data showed (design section 6): small nets, short
 * windows; far larger ones overfit within three epochs.
 */
const MODEL: SearchSpace = {
  [encoder]: { kind: 'categorical', choices: ['plain', 'linear'] },
  'training.architecture.hidden': { kind: 'integer', low: 8, high: 64, step: 8 },
  'training.knots': { kind: 'integer', low: 8, high: 48, step: 4 },
  'training.cde.learningRate': { kind: 'float', low: 3e-4, high: 1e-2, log: true },
  'training.cde.weightDecay': { kind: 'float', low: 1e-4, high: 1e-1, log: true },
  'training.cde.dropout': { kind: 'float', low: 0, high: 0.5 },
  'training.cde.labelSmoothing': { kind: 'float', low: 0, high: 0.2 },
  'training.architecture.width': {
    kind: 'integer',
    low: 16,
    high: 64,
    step: 16,
    when: { parameter: encoder, is: 'plain' },
  },
  'training.architecture.block': {
    kind: 'categorical',
    choices: [2, 4, 8],
    when: { parameter: encoder, is: 'linear' },
  },
}

const weight = { kind: 'float', low: 0, high: 1 } as const

/**
 * The gates of the two funding scanners, the weights of all scanners, and the thresholds of the wheel. Q and R are fitted by maximum likelihood again and again: searched are the window
 * behind each fit, how often it is renewed, and a factor on Q. A factor on both leaves the level as it is and divides
 * every z by its root, which is what `entryZ` is searched for.
 */
const WHEEL: SearchSpace = {
  'wheel.kalmanFunding.windowHours': { kind: 'integer', low: 96, high: 672, step: 48 },
  'wheel.kalmanFunding.refitHours': { kind: 'integer', low: 12, high: 96, step: 12 },
  'wheel.kalmanFunding.levelVarianceFactor': { kind: 'float', low: 0.1, high: 10, log: true },
  'wheel.kalmanFunding.entryZ': { kind: 'float', low: 1, high: 3.5 },
  'wheel.kalmanFunding.exitLevel': { kind: 'float', low: 1e-6, high: 1e-4, log: true },
  'wheel.kalmanFunding.horizonHours': { kind: 'integer', low: 6, high: 72, step: 6 },
  'wheel.ouFunding.windowHours': { kind: 'integer', low: 96, high: 504, step: 24 },
  'wheel.ouFunding.entryZ': { kind: 'float', low: 1, high: 3.5 },
  'wheel.ouFunding.exitZ': { kind: 'float', low: 0, high: 0.95 },
  'wheel.ouFunding.minHalfLifeHours': { kind: 'float', low: 0.5, high: 6 },
  'wheel.ouFunding.maxHalfLifeHours': { kind: 'float', low: 8, high: 96, log: true },
  'wheel.ouFunding.horizonHalfLives': { kind: 'float', low: 0.5, high: 4 },
  'wheel.fusion.weights.ou-funding': weight,
  'wheel.fusion.weights.kalman-funding': weight,
  'wheel.fusion.weights.cross-section': weight,
  'wheel.fusion.weights.breakout': weight,
  'wheel.fusion.weights.flow': weight,
  'wheel.fusion.minConviction': { kind: 'float', low: 0, high: 0.4 },
  'wheel.minEdge': { kind: 'float', low: -0.001, high: 0.003 },
  'wheel.hazard.maxSignFlip': { kind: 'float', low: 0.1, high: 1 },
  'wheel.exitTrendProbability': { kind: 'float', low: 0.4, high: 0.95 },
  'wheel.rotation.minGain': { kind: 'float', low: 0, high: 0.005 },
  'wheel.validation.minEfficiency': { kind: 'float', low: 0, high: 0.6 },
}

/** The searches by the name of their space. */
export const searches: Record<SearchOptions['space'], Search> = {
  model: { direction: 'minimise', objective: 'validation log-loss', space: MODEL },
  wheel: { direction: 'maximise', objective: 'Sharpe ratio a year', space: WHEEL },
}
