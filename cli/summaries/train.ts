export function describeTraining(value: unknown): string {
  return JSON.stringify(value)
}
