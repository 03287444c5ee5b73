import type { GraphBuilder } from './writer.ts'

/** x W + b. */
export function dense(g: GraphBuilder, input: string, weight: string, bias: string): string {
  return g.node('Add', [g.node('MatMul', [input, weight]), bias])
}
