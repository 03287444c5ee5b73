export function describeEstimates(value: unknown): string {
  return JSON.stringify(value)
}
