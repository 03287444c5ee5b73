import type { UpSummary } from '#jobs/up/up.ts'

/** How a fleet was, for people. */
export function describeUp({ source, broker, rounds, stopped }: UpSummary): string {
  const { done, degraded, failed, skipped } = rounds
  return [
    `the fleet has stopped: ${stopped}`,
    `${source} on ${broker}: ${done} rounds done (${degraded} degraded), ${failed} failed, ${skipped} left out`,
  ].join('\n')
}
