import { chdtrc, compiled, ndtr, ndtri, stdtr, stdtri } from 'cephes'

// The library is WebAssembly and answers only once it is compiled, which takes some milliseconds.
await compiled

/** P(Z <= z) for a standard normal Z, exact into the tails (the Cephes library, as in SciPy). */
export function normalCdf(z: number): number {
  return ndtr(z)
}

/** The z with P(Z <= z) = `p`; `-Infinity` at 0, `Infinity` at 1, `NaN` outside. */
export function normalQuantile(p: number): number {
  if (p === 0) return Number.NEGATIVE_INFINITY
  if (p === 1) return Number.POSITIVE_INFINITY
  return p > 0 && p < 1 ? ndtri(p) : Number.NaN
}

/** P(X > x) for a chi-squared X with `degreesOfFreedom`; `NaN` for fewer than 1 or an `x` below 0. */
export function chiSquaredTail(x: number, degreesOfFreedom: number): number {
  return x >= 0 && degreesOfFreedom >= 1 ? orNothing(() => chdtrc(degreesOfFreedom, x)) : Number.NaN
}

/** A tail that is smaller than any number is 0; the library throws there. */
function orNothing(tail: () => number): number {
  try {
    return tail()
  } catch (error) {
    if (error instanceof Error && error.message.includes('underflow')) return 0
    throw error
  }
}

/** P(T <= t) for Student's t with a whole number of `degreesOfFreedom`. */
export function studentCdf(t: number, degreesOfFreedom: number): number {
  return stdtr(degreesOfFreedom, t)
}

/** The t with P(T <= t) = `p`, `p` in (0, 1), for Student's t with a whole number of `degreesOfFreedom`. */
export function studentQuantile(p: number, degreesOfFreedom: number): number {
  return stdtri(degreesOfFreedom, p)
}
