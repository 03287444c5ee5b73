export function describeFetch(value: unknown): string {
  return JSON.stringify(value)
}
