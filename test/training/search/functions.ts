import type { Assignment, SearchSpace } from '#training/search/space.ts'

/** A function to be minimised; `test/peers/tpe.py` has the same ones. */
export interface StandardFunction {
  readonly space: SearchSpace
  readonly optimum: number
  readonly evaluate: (at: Assignment) => number
}

const range = (low: number, high: number) => ({ kind: 'float', low, high }) as const
const values = (at: Assignment) => Object.values(at).map(Number)

const HARTMANN_A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
]
const HARTMANN_C = [1, 1.2, 3, 3.2]
const HARTMANN_P = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]
const unit = range(0, 1)
const EXTRA: Record<string, number> = { a: 1, b: 2, d: 4 }

export const functions: Record<string, StandardFunction> = {
  sphere: {
    space: { x1: range(-5, 5), x2: range(-5, 5), x3: range(-5, 5), x4: range(-5, 5) },
    optimum: 0,
    evaluate: (at) => values(at).reduce((sum, x) => sum + x * x, 0),
  },
  rosenbrock: {
    space: { x: range(-2, 2), y: range(-1, 3) },
    optimum: 0,
    evaluate(at) {
      const [x, y] = values(at)
      return (1 - x) ** 2 + 100 * (y - x ** 2) ** 2
    },
  },
  branin: {
    space: { x: range(-5, 10), y: range(0, 15) },
    optimum: 0.39788735772973816,
    evaluate(at) {
      const [x, y] = values(at)
      const bowl = (y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6) ** 2
      return bowl + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10
    },
  },
  hartmann: {
    space: { x1: unit, x2: unit, x3: unit, x4: unit, x5: unit, x6: unit },
    optimum: -3.322368011391339,
    evaluate(at) {
      const x = values(at)
      const bump = (k: number) =>
        Math.exp(-x.reduce((sum, xi, i) => sum + HARTMANN_A[k][i] * (xi - HARTMANN_P[k][i]) ** 2, 0))
      return -HARTMANN_C.reduce((sum, c, k) => sum + c * bump(k), 0)
    },
  },
  mixed: {
    space: {
      rate: { kind: 'float', low: 1e-5, high: 1, log: true },
      size: { kind: 'integer', low: 4, high: 256, step: 4 },
      depth: { kind: 'integer', low: 1, high: 128, log: true },
      kind: { kind: 'categorical', choices: ['a', 'b', 'c', 'd'] },
      share: { ...unit, when: { parameter: 'kind', is: 'c' } },
    },
    optimum: 0,
    evaluate(at) {
      const loss =
        (Math.log10(Number(at.rate)) + 2.5) ** 2 +
        ((Number(at.size) - 100) / 64) ** 2 +
        (Math.log2(Number(at.depth)) - 4) ** 2 / 4
      return loss + (at.kind === 'c' ? 4 * (Number(at.share) - 0.3) ** 2 : EXTRA[String(at.kind)])
    },
  },
}
