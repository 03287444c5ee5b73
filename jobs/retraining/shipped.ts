import { SERVED_KINDS } from '#models/regime.ts'
import type { VersionName } from '#models/registry-expiry.ts'
import type { StepResults } from './progress.ts'

/** The versions that the verdict lets serve, the one to lead first. */
export function shipped(judged: StepResults['evaluate']): VersionName[] {
  if (!judged) return []
  const { field, verdict } = judged
  return SERVED_KINDS.filter((kind) => kind === verdict.ship || kind === verdict.fallback)
    .sort((a, b) => Number(b === verdict.ship) - Number(a === verdict.ship))
    .flatMap((kind) => (field[kind] === undefined ? [] : { kind, id: field[kind] }))
}

/** Those of them that this retraining has made. */
export function newlyShipped({ challengers }: StepResults['train'], judged: StepResults['evaluate']): VersionName[] {
  return shipped(judged).filter(({ kind, id }) => challengers[kind]?.id === id)
}
