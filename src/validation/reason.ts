/** One reason against a position. `unavailable`: the check could not be made, which counts as a rejection. */
export interface Reason {
  /** Which check speaks, e.g. `moving-average`. */
  readonly gate: string
  readonly kind: 'rejected' | 'unavailable'
  /** One sentence with the numbers; begins with `unavailable: ` where it is. */
  readonly message: string
}

/** A rejection in the words of a {@link Reason}. */
export function rejected(gate: string, message: string): Reason {
  return { gate, kind: 'rejected', message }
}

/** An impossible check in the words of a {@link Reason}. */
export function unavailable(gate: string, why: string): Reason {
  return { gate, kind: 'unavailable', message: `unavailable: ${why}` }
}
