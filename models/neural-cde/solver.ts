/**
 * An explicit fixed-step Runge-Kutta method is its Butcher tableau and nothing else: stage i starts from
 * h + sum_j a[i][j] k_j, and the step ends at h + sum_i b[i] k_i.
 */
export interface Tableau {
  readonly a: readonly (readonly number[])[]
  readonly b: readonly number[]
}

/** Solvers by name. One step goes from knot to knot, where a linear control path has its kinks. */
export const SOLVERS = {
  /** Order 1, one stage. */
  euler: { a: [[]], b: [1] },
  /** Order 2, two stages; also called the explicit trapezoidal rule. */
  heun: { a: [[], [1]], b: [0.5, 0.5] },
} as const satisfies Record<string, Tableau>
