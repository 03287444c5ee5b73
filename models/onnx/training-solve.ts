import { type Architecture, drivingChannels } from '../classifier/architecture.ts'
import { SOLVERS } from '../neural-cde/solver.ts'
import { dense } from './dense.ts'
import type { GraphBuilder, ValueInfo } from './writer.ts'

/** Names of the parameters in the graph. */
export type ParameterNames = Readonly<Record<string, string>>

/** What one evaluation of the field leaves behind for the way back: h, and what both layers became. */
const TAPE = ['state', 'inner', 'field'] as const

/** Names and widths of what each stage of a step leaves behind, `[B, ...]` a step, stage by stage. */
export function tapeOf(
  architecture: Architecture,
  prefix: string,
): { readonly [what in (typeof TAPE)[number]]: ValueInfo }[] {
  const { hidden, width, solver } = architecture
  const widths = { state: hidden, inner: width, field: drivingChannels(architecture) * hidden }
  return SOLVERS[solver].b.map((_, stage) => {
    const named = (what: (typeof TAPE)[number]) => rows(`${prefix}_${what}_${stage}`, widths[what])
    return { state: named('state'), inner: named('inner'), field: named('field') }
  })
}

/** The tapes of all stages in the order in which they go into and come out of a `Scan`. */
export const inOrder = (tape: ReturnType<typeof tapeOf>): ValueInfo[] =>
  tape.flatMap((stage) => TAPE.map((what) => stage[what]))

/** A batch of rows, `[B, size]`. */
export const rows = (name: string, size: number): ValueInfo => ({ name, type: 'float32', dims: ['batch', size] })

/** sum + weight * change, without what does nothing. */
export function addScaled(g: GraphBuilder, sum: string, change: string, weight: number): string {
  if (weight === 0) return sum
  return g.node('Add', [sum, weight === 1 ? change : g.node('Mul', [change, g.scalar(weight)])])
}

/**
 * Solves dh = f(h) dX from knot to knot, one step of a `Scan` each, with f the plain field as it is written down in the
 * design: onnxruntime's tanh is as fast as its sigmoid, and both are fused into the products before them.
 *
 * @param start h(0), `[B, H]`
 * @param increments dX, `[steps, B, D]`, one step at least: onnxruntime dies of a Scan over nothing
 * @param taped whether the tapes are asked for
 * @returns h(T), `[B, H]`, and the tapes of all steps, `[steps, B, ...]`, in order
 */
export function solve(
  g: GraphBuilder,
  architecture: Architecture,
  parameters: ParameterNames,
  { start, increments, taped }: { start: string; increments: string; taped: boolean },
): { state: string; tapes: readonly string[] } {
  const { hidden, solver } = architecture
  const { a, b } = SOLVERS[solver]
  const path = drivingChannels(architecture)
  const tape = tapeOf(architecture, 'taped')
  const kept = taped ? inOrder(tape) : []
  const { innerWeight, innerBias, outerWeight, outerBias } = parameters
  const step = g.subgraph('step', [rows('h', hidden), rows('dX', path)], [rows('h_next', hidden), ...kept], (s) => {
    const row = s.node('Unsqueeze', ['dX', s.ints(1)])
    const changes: string[] = []
    for (const [i, weights] of a.entries()) {
      const from = weights.reduce(
        (sum: string, weight: number, j: number) => addScaled(s, sum, changes[j], weight),
        'h',
      )
      const state = s.node('Identity', [from], {}, tape[i].state.name)
      const inner = s.node('Tanh', [dense(s, state, innerWeight, innerBias)], {}, tape[i].inner.name)
      const field = s.node('Tanh', [dense(s, inner, outerWeight, outerBias)], {}, tape[i].field.name)
      const matrix = s.node('Reshape', [field, s.ints(-1, path, hidden)])
      changes.push(s.node('Squeeze', [s.node('MatMul', [row, matrix]), s.ints(1)]))
    }
    const next = b.reduce((sum: string, weight, i) => addScaled(s, sum, changes[i], weight), 'h')
    s.node('Identity', [next], {}, 'h_next')
  })
  const tapes = kept.map(({ name }) => `all_${name}`)
  const [state] = g.nodes('Scan', [start, increments], ['h_final', ...tapes], {
    body: { graph: step },
    num_scan_inputs: 1,
  })
  return { state, tapes }
}
