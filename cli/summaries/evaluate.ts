export function describeEvaluation(value: unknown): string {
  return JSON.stringify(value)
}
