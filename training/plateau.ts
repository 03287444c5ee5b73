/** When to slow down and when to stop, in epochs without a better validation loss. */
export interface PlateauOptions {
  readonly learningRate: number
  readonly decayPatience: number
  readonly patience: number
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

/** Halves the rate after `decayPatience` epochs without a better loss, again and again; stops after `patience`. */
export function createPlateau({ learningRate: start, decayPatience, patience }: PlateauOptions): Plateau {
  let rate = start
  let lowest = Number.POSITIVE_INFINITY
  let sinceBest = 0
  let sinceDecay = 0
  return {
    learningRate: () => rate,
    observe(loss) {
      const improved = loss < lowest
      lowest = Math.min(lowest, loss)
      sinceBest = improved ? 0 : sinceBest + 1
      sinceDecay = improved ? 0 : sinceDecay + 1
      const decayed = sinceDecay >= decayPatience
      if (decayed) {
        rate /= 2
        sinceDecay = 0
      }
      return { improved, decayed, stop: sinceBest >= patience }
    },
  }
}
