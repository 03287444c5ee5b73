export function describeWheelRun(value: unknown): string {
  return JSON.stringify(value)
}
