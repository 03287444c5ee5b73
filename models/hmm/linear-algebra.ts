/** Pivots below this are raised to it, here and in the ONNX graph alike, so that no logarithm meets zero. */
export const SMALLEST_PIVOT = 1e-12

/**
 * Cholesky factor L of a symmetric matrix, lower triangle, in place.
 *
 * @param matrix `[n, n]`, row-major; the strict upper triangle is left as it is
 */
export function choleskyInPlace(matrix: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) {
    let pivot = matrix[j * n + j]
    for (let k = 0; k < j; k++) pivot -= matrix[j * n + k] * matrix[j * n + k]
    const diagonal = Math.sqrt(Math.max(pivot, SMALLEST_PIVOT))
    matrix[j * n + j] = diagonal
    for (let i = j + 1; i < n; i++) {
      let sum = matrix[i * n + j]
      for (let k = 0; k < j; k++) sum -= matrix[i * n + k] * matrix[j * n + k]
      matrix[i * n + j] = sum / diagonal
    }
  }
}

/** Inverse of a lower triangular matrix `[n, n]`; zeros above the diagonal. */
export function invertLowerTriangle(factor: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n)
  for (let j = 0; j < n; j++) {
    inverse[j * n + j] = 1 / factor[j * n + j]
    for (let i = j + 1; i < n; i++) {
      let sum = 0
      for (let k = j; k < i; k++) sum -= factor[i * n + k] * inverse[k * n + j]
      inverse[i * n + j] = sum / factor[i * n + i]
    }
  }
  return inverse
}

/**
 * Raises the eigenvalues of a symmetric matrix to at least `floor`, in place, by Jacobi rotations
 * (Golub and Van Loan 2013, section 8.5). Of all matrices whose eigenvalues are at least `floor` this is the
 * covariance under which data with the given scatter are most likely.
 */
export function floorEigenvalues(matrix: Float64Array, n: number, floor: number): void {
  const a = Float64Array.from(matrix)
  const vectors = new Float64Array(n * n)
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1
  for (let sweep = 0; sweep < 30 && !isNearlyDiagonal(a, n); sweep++) {
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, n, p, q)
  }
  let smallest = Number.POSITIVE_INFINITY
  for (let i = 0; i < n; i++) smallest = Math.min(smallest, a[i * n + i])
  if (smallest >= floor) return
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += vectors[i * n + k] * Math.max(a[k * n + k], floor) * vectors[j * n + k]
      matrix[i * n + j] = sum
    }
  }
}

function isNearlyDiagonal(a: Float64Array, n: number): boolean {
  let off = 0
  let total = 0
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      total += a[i * n + j] ** 2
      if (i !== j) off += a[i * n + j] ** 2
    }
  }
  return off <= 1e-28 * total
}

/** One Jacobi rotation that makes `a[p, q]` zero. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const off = a[p * n + q]
  if (off === 0) return
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * off)
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const cosine = 1 / Math.sqrt(t * t + 1)
  const sine = t * cosine
  for (let k = 0; k < n; k++) {
    const kp = a[k * n + p]
    const kq = a[k * n + q]
    a[k * n + p] = cosine * kp - sine * kq
    a[k * n + q] = sine * kp + cosine * kq
  }
  for (let k = 0; k < n; k++) {
    const pk = a[p * n + k]
    const qk = a[q * n + k]
    a[p * n + k] = cosine * pk - sine * qk
    a[q * n + k] = sine * pk + cosine * qk
    const vp = vectors[k * n + p]
    const vq = vectors[k * n + q]
    vectors[k * n + p] = cosine * vp - sine * vq
    vectors[k * n + q] = sine * vp + cosine * vq
  }
}
