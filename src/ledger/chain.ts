import { createHash, hash } from 'node:crypto'
import { InputError } from '#data/errors.ts'
import type { LedgerEvent } from './events.ts'
import type { RoundStories } from './journal.ts'

/** What the first event follows. */
export const GENESIS: Uint8Array = new Uint8Array(32)

/**
 * Hash of an event in the chain: SHA-256 of the hash before it and its canonical JSON. Whoever changes, removes or moves
 * an event must write everything after it anew, and the last hash, noted elsewhere, tells that.
 *
 * @param previous 32 bytes.
 * @returns 32 bytes.
 */
export function chainHash(previous: Uint8Array, body: string): Uint8Array {
  return createHash('sha256').update(previous).update(body).digest()
}

/** SHA-256 of a round's stories as its event has it, hexadecimal. */
export function storiesDigest(json: string): string {
  return hash('sha256', json)
}

/**
 * Stories are kept with the event of their round and in no other company: one without the other could not be checked.
 *
 * @returns digest of the stories.
 * @throws {InputError} where `events` have no round at their hour with their digest.
 */
export function mustTellOfRound(events: readonly LedgerEvent[], stories: RoundStories): string {
  const digest = storiesDigest(stories.json)
  if (events.some((event) => event.kind === 'round' && event.time === stories.asOf && event.stories === digest)) {
    return digest
  }
  const hour = new Date(stories.asOf).toISOString()
  throw new InputError(`stories of ${hour} come without the event of their round, or with one of another digest`, {
    asOf: stories.asOf,
    digest,
  })
}
