import type { Architecture } from '../classifier/architecture.ts'
import { blockCount, STATE_LIMIT } from '../linear-cde/blocks.ts'
import type { GraphBuilder } from './writer.ts'

/**
 * One step through the linear vector field: h -> h + A(dX) h + b(dX), held within the limit.
 *
 * @param parameters names of the weights in the graph
 * @param state h before, `[batch, H]`
 * @param increment dX, `[batch, P]`
 * @returns h after, `[batch, H]`
 */
export function advanceLinear(
  g: GraphBuilder,
  architecture: Architecture,
  parameters: Readonly<Record<string, string>>,
  { state, increment }: { state: string; increment: string },
): string {
  const { hidden, block } = architecture
  const blocks = blockCount(architecture)
  // Products of matrices this small cost more to call than to run: all of A's rows times h at once, summed by row.
  const matrix = g.node('MatMul', [increment, parameters.transitionWeight])
  const rows = g.node('Reshape', [matrix, g.ints(-1, blocks, block, block)])
  const columns = g.node('Reshape', [state, g.ints(-1, blocks, 1, block)])
  const turned = g.node('ReduceSum', [g.node('Mul', [rows, columns]), g.ints(3)], { keepdims: 0 })
  const change = g.node('Add', [
    g.node('Reshape', [turned, g.ints(-1, hidden)]),
    g.node('MatMul', [increment, parameters.driftWeight]),
  ])
  return g.node('Clip', [g.node('Add', [state, change]), g.scalar(-STATE_LIMIT), g.scalar(STATE_LIMIT)])
}
