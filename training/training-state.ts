import type { Random } from '#data/random.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { initialiseParameters, type ParameterVector } from '#models/classifier/parameters.ts'
import { type Moments, noMoments } from './adamw.ts'
import { type PlateauOptions, type PlateauState, plateauStart } from './plateau.ts'

/** One line of the training curve. */
export interface Epoch {
  readonly epoch: number
  readonly trainLoss: number
  readonly validationLoss: number
  readonly validationMacroF1: number
}

/** Why a training ended. */
export interface Ending {
  /**
   * `epochs` and `patience` are the ends that it is meant to have; with `minutes` it was cut short by the wall clock (another
   * machine may get further), with `failure` by a backend that failed.
   */
  readonly by: 'epochs' | 'patience' | 'minutes' | 'failure'
  /** In a sentence. */
  readonly reason: string
}

/**
 * Where a training stands between two epochs: plain data, all that is needed to go on as if nothing had happened, on this
 * backend or another, in this process or a later one. What is drawn in an epoch depends on seed and epoch alone and needs no
 * place here.
 */
export interface TrainingState {
  readonly parameters: ParameterVector
  /** Exponential moving average of the parameters: what is validated and kept. */
  readonly average: ParameterVector
  readonly moments: Moments
  readonly plateau: PlateauState
  readonly epochs: Epoch[]
  /** The average at the end of the best epoch; epoch 0 before the first. */
  best: { parameters: ParameterVector; epoch: number }
  /** Milliseconds spent. */
  elapsed: number
  /** Set when there is nothing left to do. */
  ending?: Ending
}

/** A training before its first epoch. */
export function trainingStart(architecture: Architecture, options: PlateauOptions, random: Random): TrainingState {
  const parameters = initialiseParameters(architecture, random.fork('initial weights'))
  return {
    parameters,
    average: parameters.slice(),
    moments: noMoments(parameters.length),
    plateau: plateauStart(options),
    epochs: [],
    best: { parameters: parameters.slice(), epoch: 0 },
    elapsed: 0,
  }
}
