/** When to slow down and when to stop, in epochs without a better validation loss. */
export interface PlateauOptions {
  readonly learningRate: number
  readonly decayPatience: number
  readonly patience: number
}

/** Where the schedule stands: plain data, to be kept and gone on with. */
export interface PlateauState {
  rate: number
  /** Lowest loss so far. */
  lowest: number
  sinceBest: number
  sinceDecay: number
}

/** Follows the validation loss from epoch to epoch. */
export interface Plateau {
  /** The rate for the next step. */
  learningRate(): number
  /**
   * Takes the loss of one more epoch.
   *
   * @returns whether it is the lowest so far, whether the rate was halved for it, whether training should stop
   */
  observe(loss: number): { readonly improved: boolean; readonly decayed: boolean; readonly stop: boolean }
}

/** The schedule before the first epoch. */
export function plateauStart({ learningRate }: PlateauOptions): PlateauState {
  return { rate: learningRate, lowest: Number.POSITIVE_INFINITY, sinceBest: 0, sinceDecay: 0 }
}

/**
 * Halves the rate after `decayPatience` epochs without a better loss, again and again; stops after `patience`.
 *
 * @param state where it goes on from, kept up to date in place
 */
export function createPlateau(options: PlateauOptions, state: PlateauState = plateauStart(options)): Plateau {
  const { decayPatience, patience } = options
  return {
    learningRate: () => state.rate,
    observe(loss) {
      const improved = loss < state.lowest
      state.lowest = Math.min(state.lowest, loss)
      state.sinceBest = improved ? 0 : state.sinceBest + 1
      state.sinceDecay = improved ? 0 : state.sinceDecay + 1
      const decayed = state.sinceDecay >= decayPatience
      if (decayed) {
        state.rate /= 2
        state.sinceDecay = 0
      }
      return { improved, decayed, stop: state.sinceBest >= patience }
    },
  }
}
