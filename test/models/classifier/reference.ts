import { type Architecture, directionChannel, type EncoderName } from '#models/classifier/architecture.ts'
import type { Targets } from '#models/classifier/classifier.ts'
import type { ControlPath } from '#models/classifier/control-path.ts'
import { parameterShapes } from '#models/classifier/parameters.ts'

/**
 * A classifier of control paths in float64, window by window and number by number, written from the equations (Kidger
 * et al. 2020, equation 4; docs of the read-out) without the library: slow, and right enough for its central differences
 * to judge a gradient by.
 */
export type Weights = Record<string, { readonly shape: readonly number[]; readonly values: Float64Array }>

/** One window of a control path. */
interface WindowPath {
  readonly initial: number[]
  readonly increments: number[][]
  readonly final: number[]
}

type Encode = (architecture: Architecture, weights: Weights, window: WindowPath) => number[]

/** h(T), `[hidden]`, by encoder; those that are missing have no reference. */
export const REFERENCE_ENCODERS: Partial<Record<EncoderName, Encode>> = { plain: encodePlain }

/** x W + b. */
function affine(
  x: readonly number[],
  { shape: [, columns], values }: Weights[string],
  bias: Weights[string],
): number[] {
  return Array.from({ length: columns }, (_, j) =>
    x.reduce((sum, value, i) => sum + value * values[i * columns + j], bias.values[j]),
  )
}

function encodePlain({ hidden, solver }: Architecture, weights: Weights, window: WindowPath): number[] {
  const { initialWeight, initialBias, innerWeight, innerBias, outerWeight, outerBias } = weights
  const change = (h: readonly number[], dX: readonly number[]) => {
    const inner = affine(h, innerWeight, innerBias).map(Math.tanh)
    const field = affine(inner, outerWeight, outerBias).map(Math.tanh)
    return h.map((_, j) => dX.reduce((sum, dx, p) => sum + dx * field[p * hidden + j], 0))
  }
  let h = affine(window.initial, initialWeight, initialBias)
  for (const dX of window.increments) {
    const first = change(h, dX)
    if (solver === 'euler') {
      h = h.map((value, j) => value + first[j])
      continue
    }
    const ahead = change(
      h.map((value, j) => value + first[j]),
      dX,
    )
    h = h.map((value, j) => value + (first[j] + ahead[j]) / 2)
  }
  return h
}

function splitWeights(architecture: Architecture, vector: Float64Array): Weights {
  let offset = 0
  const entries = Object.entries(parameterShapes(architecture)).map(([name, shape]) => {
    const size = shape.reduce((product, n) => product * n, 1)
    offset += size
    return [name, { shape, values: vector.subarray(offset - size, offset) }] as const
  })
  return Object.fromEntries(entries)
}

function windowOf({ channels, count, steps, initial, increments, final }: ControlPath, n: number): WindowPath {
  const row = (values: Float32Array, at: number) => Array.from(values.subarray(at * channels, (at + 1) * channels))
  return {
    initial: row(initial, n),
    increments: Array.from({ length: steps }, (_, step) => row(increments, step * count + n)),
    // Context included: wider than what drives the path.
    final: Array.from(final.subarray((n * final.length) / count, ((n + 1) * final.length) / count)),
  }
}

/** Weighted cross-entropy of a batch, in float64, as `lossAndGradient` defines it. */
export function referenceLoss(
  architecture: Architecture,
  vector: Float64Array,
  path: ControlPath,
  { probabilities, weights: shares, dropout }: Targets,
): number {
  const encode = REFERENCE_ENCODERS[architecture.encoder]
  if (!encode) throw new Error(`no reference for the encoder ${architecture.encoder}`)
  const weights = splitWeights(architecture, vector)
  const channel = directionChannel(architecture)
  let loss = 0
  for (let n = 0; n < path.count; n++) {
    const window = windowOf(path, n)
    const state = encode(architecture, weights, window).map(
      (value, j) => value * (dropout ? dropout[n * architecture.hidden + j] : 1),
    )
    const upright = [...state, ...window.final]
    const direction = channel < 0 ? 1 : Math.sign(window.final[channel])
    const read = [...upright, ...upright.map((value) => value * direction)]
    const layer = affine(read, weights.readoutWeight, weights.readoutBias).map(Math.tanh)
    const logits = affine(layer, weights.logitWeight, weights.logitBias)
    const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0))
    for (const [k, logit] of logits.entries()) loss -= shares[n] * probabilities[n * 3 + k] * (logit - total)
  }
  return loss
}

/** Gradient of {@link referenceLoss} by central differences: exact to about 1e-9. */
export function referenceGradient(
  architecture: Architecture,
  parameters: Float32Array,
  path: ControlPath,
  targets: Targets,
): Float64Array {
  const step = 1e-5
  const moved = Float64Array.from(parameters)
  return moved.map((value, i) => {
    const at = (shift: number) => {
      moved[i] = value + shift
      return referenceLoss(architecture, moved, path, targets)
    }
    const slope = (at(step) - at(-step)) / (2 * step)
    moved[i] = value
    return slope
  })
}
