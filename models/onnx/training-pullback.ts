import { type Architecture, drivingChannels } from '../classifier/architecture.ts'
import { SOLVERS } from '../neural-cde/solver.ts'
import { addScaled, inOrder, type ParameterNames, rows, tapeOf } from './training-solve.ts'
import type { GraphBuilder, ValueInfo } from './writer.ts'

/** The field's parameters. Their gradients are summed on the way, biases as rows. */
const FIELD = ['innerWeight', 'innerBias', 'outerWeight', 'outerBias'] as const
type Sums = Record<(typeof FIELD)[number], string>

/** cotangent (1 - t^2): back through a tanh that became t. */
export function throughTanh(g: GraphBuilder, cotangent: string, t: string): string {
  return g.node('Mul', [cotangent, g.node('Sub', [g.scalar(1), g.node('Mul', [t, t])])])
}

/** The column sums of a cotangent, `[1, ...]`: the gradient of a bias. */
export const columnSums = (g: GraphBuilder, cotangent: string) => g.node('ReduceSum', [cotangent, g.ints(0)])

/**
 * Discretise-then-optimise: runs the solver's steps backwards, in a `Scan` that reads tapes and increments from their
 * end. The gradients of the weights are carried along and added to by each step's products, while what they are made of
 * is in the cache (256 windows of 48 knots, hidden 64, width 128: 30 us a window, against 60 for one product over all
 * steps, which would have to keep 21 MB of cotangents besides).
 *
 * @param cotangent gradient at h(T), `[B, H]`
 * @param increments dX, `[steps, B, D]`
 * @param tapes what `solve` left behind
 * @returns gradient at h(0), `[B, H]`, and those of the field's parameters, biases as `[1, ...]`
 */
export function pullBack(
  g: GraphBuilder,
  architecture: Architecture,
  parameters: ParameterNames,
  { cotangent, increments, tapes }: { cotangent: string; increments: string; tapes: readonly string[] },
): { start: string; gradients: Sums } {
  const { hidden, width, solver } = architecture
  const { a, b } = SOLVERS[solver]
  const path = drivingChannels(architecture)
  const tape = tapeOf(architecture, 'tape')
  const sizes = {
    innerWeight: [hidden, width],
    innerBias: [1, width],
    outerWeight: [width, path * hidden],
    outerBias: [1, path * hidden],
  }
  const sums = (prefix: string) =>
    FIELD.map((name): ValueInfo => ({ name: `${prefix}_${name}`, type: 'float32', dims: sizes[name] }))
  const transposed = (name: string) => g.node('Transpose', [parameters[name]], { perm: [1, 0] })
  // Once a batch: a product with a transposed operand would transpose it at every step.
  const [innerTransposed, outerTransposed] = [transposed('innerWeight'), transposed('outerWeight')]

  const inputs = [rows('after', hidden), ...sums('sum'), rows('moved', path), ...inOrder(tape)]
  const body = g.subgraph('step_back', inputs, [rows('before', hidden), ...sums('next')], (s) => {
    const column = s.node('Unsqueeze', ['moved', s.ints(2)])
    const atStage: string[] = []
    let total = named((name) => `sum_${name}`)
    for (let i = b.length - 1; i >= 0; i--) {
      const [state, inner, field] = [tape[i].state.name, tape[i].inner.name, tape[i].field.name]
      let atChange = b[i] === 1 ? 'after' : s.node('Mul', ['after', s.scalar(b[i])])
      for (let j = i + 1; j < b.length; j++) {
        atChange = addScaled(s, atChange, atStage[j], (a[j] as readonly number[])[i])
      }
      const atField = s.node('Mul', [column, s.node('Unsqueeze', [atChange, s.ints(1)])])
      const atOuter = throughTanh(s, s.node('Reshape', [atField, s.ints(-1, path * hidden)]), field)
      const atInner = throughTanh(s, s.node('MatMul', [atOuter, outerTransposed]), inner)
      atStage[i] = s.node('MatMul', [atInner, innerTransposed])
      total = {
        innerWeight: s.node('Gemm', [state, atInner, total.innerWeight], { transA: 1 }),
        innerBias: s.node('Add', [columnSums(s, atInner), total.innerBias]),
        outerWeight: s.node('Gemm', [inner, atOuter, total.outerWeight], { transA: 1 }),
        outerBias: s.node('Add', [columnSums(s, atOuter), total.outerBias]),
      }
    }
    for (const name of FIELD) s.node('Identity', [total[name]], {}, `next_${name}`)
    const before = atStage.reduce((sum, stage) => s.node('Add', [sum, stage]), 'after')
    s.node('Identity', [before], {}, 'before')
  })
  const zeros = FIELD.map((name) => {
    const [height, breadth] = sizes[name]
    return g.constant(new Float32Array(height * breadth), sizes[name])
  })
  const scanned = [increments, ...tapes]
  const gradients = named((name) => `total_${name}`)
  g.nodes('Scan', [cotangent, ...zeros, ...scanned], ['at_start', ...FIELD.map((name) => gradients[name])], {
    body: { graph: body },
    num_scan_inputs: scanned.length,
    scan_input_directions: scanned.map(() => 1),
  })
  return { start: 'at_start', gradients }
}

const named = (nameOf: (name: string) => string) =>
  Object.fromEntries(FIELD.map((name) => [name, nameOf(name)])) as Sums
