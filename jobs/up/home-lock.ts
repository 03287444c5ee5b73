import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { UnavailableError } from '#data/errors.ts'
import { lockForWriting } from '#src/ledger/writer-lock.ts'

/**
 * Makes sure that one process at most is the home of a state folder. The lock ends with the process, however that ends.
 *
 * @returns gives it back
 * @throws {UnavailableError} naming the process that has it
 */
export function lockHome(state: string): () => void {
  mkdirSync(state, { recursive: true })
  try {
    return lockForWriting(join(state, 'up'))
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    const { holder } = error.details
    const who = holder === undefined ? 'another process' : `process ${String(holder)}`
    throw new UnavailableError(
      `the state folder ${state} has a home already: ${who} runs \`millrace up\` on it; stop that one, or give this one another --state`,
      { state, holder },
      error,
    )
  }
}
