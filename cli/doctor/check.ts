/**
 * What a check found.
 *
 * - `ok`: it is there and works.
 * - `note`: `npm start` works without it, but less well.
 * - `problem`: `npm start` would fail.
 */
export type Finding = 'ok' | 'note' | 'problem'

/** The answer of one check: a sentence, what to do if it is not `ok`, and the facts behind it. */
export interface Check {
  readonly name: string
  readonly finding: Finding
  readonly text: string
  readonly advice?: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** A check to be made. A check that throws has found a problem. */
export interface Probe {
  readonly name: string
  readonly look: () => Promise<Omit<Check, 'name'>>
}

/** Makes all checks at once; the answers are in the order of the probes. */
export function examine(probes: readonly Probe[]): Promise<Check[]> {
  return Promise.all(
    probes.map(async ({ name, look }): Promise<Check> => {
      try {
        return { name, ...(await look()) }
      } catch (error) {
        const text = (error instanceof Error ? error.message : String(error)).split('\n')[0]
        const { code } = error as NodeJS.ErrnoException
        // What npm should have installed cannot be loaded.
        const broken = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' || code === 'ERR_DLOPEN_FAILED'
        return { name, finding: 'problem', text, ...(broken && { advice: 'run `npm ci` again' }) }
      }
    }),
  )
}
