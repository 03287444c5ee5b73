import { z } from 'zod'
import { InputError, UnavailableError } from '#data/errors.ts'
import { describeError } from '../failures.ts'
import { isDegraded } from './readiness.ts'
import type { FleetStatus } from './status.ts'

/** What a running fleet says of itself. */
export interface FleetAnswer {
  readonly url: string
  readonly ready: boolean
  /** Why it is not ready. */
  readonly reasons: readonly string[]
  readonly degraded: boolean
  /** As {@link FleetStatus}, with null where a number is not known. */
  readonly status: FleetStatus
}

/** How long the fleet may take for an answer, milliseconds; it waits for its broker itself. */
const PATIENCE = 10_000

const readySchema = z.object({ ready: z.boolean(), reasons: z.array(z.string()) })
/** As much of a status as tells it from anything else that answers there. */
const statusSchema = z.looseObject({ at: z.number(), broker: z.looseObject({ reachable: z.boolean() }) })

/**
 * Asks the HTTP end of a fleet how it is.
 *
 * @param url `http://127.0.0.1:9470`
 * @throws {UnavailableError} where nobody answers; {InputError} where somebody else does
 */
export async function askFleet(url: string): Promise<FleetAnswer> {
  const base = url.replace(/\/+$/, '')
  const { ready, reasons } = await getJson(base, '/readyz', readySchema)
  const status = (await getJson(base, '/status', statusSchema)) as unknown as FleetStatus
  return { url: base, ready, reasons, degraded: isDegraded(status), status }
}

async function getJson<T>(base: string, path: string, schema: z.ZodType<T>): Promise<T> {
  if (!URL.canParse(base + path)) throw new InputError(`"${base}" is not a URL: give e.g. http://127.0.0.1:9470`)
  let text: string
  try {
    const answer = await fetch(base + path, { signal: AbortSignal.timeout(PATIENCE), redirect: 'error' })
    text = await answer.text()
  } catch (error) {
    throw new UnavailableError(`no fleet answers at ${base}: ${describeError(error)}`, { url: base }, error)
  }
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new InputError(`what answers at ${base}${path} is no \`millrace up\` of this version`, { url: base })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
