import { type Architecture, drivingChannels } from '../classifier/architecture.ts'
import { SOLVERS } from '../neural-cde/solver.ts'
import { dense } from './dense.ts'
import type { GraphBuilder } from './writer.ts'

/**
 * One step of the solver through the plain vector field: h -> h + f(h) dX, with the solver's stages.
 *
 * @param parameters names of the weights in the graph
 * @param state h before, `[batch, H]`
 * @param increment dX, `[batch, P]`
 * @returns h after, `[batch, H]`
 */
export function advancePlain(
  g: GraphBuilder,
  architecture: Architecture,
  parameters: Readonly<Record<string, string>>,
  { state, increment }: { state: string; increment: string },
): string {
  const { hidden, solver } = architecture
  const rows = g.node('Unsqueeze', [increment, g.ints(1)])
  const { innerWeight, innerBias, outerWeight, outerBias } = parameters
  const fieldChange = (at: string) => {
    const inner = g.node('Tanh', [dense(g, at, innerWeight, innerBias)])
    const field = g.node('Tanh', [dense(g, inner, outerWeight, outerBias)])
    const matrix = g.node('Reshape', [field, g.ints(-1, drivingChannels(architecture), hidden)])
    return g.node('Squeeze', [g.node('MatMul', [rows, matrix]), g.ints(1)])
  }
  const { a, b: weights } = SOLVERS[solver]
  const changes: string[] = []
  const plus = (sum: string, change: string, weight: number) =>
    weight === 0 ? sum : g.node('Add', [sum, weight === 1 ? change : g.node('Mul', [change, g.scalar(weight)])])
  for (const row of a) {
    const at = row.reduce((sum: string, weight, j) => plus(sum, changes[j], weight), state)
    changes.push(fieldChange(at))
  }
  return weights.reduce((sum: string, weight, i) => plus(sum, changes[i], weight), state)
}
