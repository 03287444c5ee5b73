import { z } from 'zod'
import { InputError, MillraceError, UnavailableError, VenueError } from './errors.ts'
import type { Provider } from './provider.ts'
import { createCsvProvider } from './providers/csv.ts'
import { createFailoverProvider } from './providers/failover.ts'
import { createHyperliquidProvider } from './providers/hyperliquid.ts'
import { ONCE } from './providers/hyperliquid-requests.ts'
import { createSimulatedProvider } from './providers/simulated.ts'
import { createSnapshotProvider } from './providers/snapshot.ts'
import type { Store } from './store.ts'
import { throughStore } from './stored-provider.ts'
import type { WeightBudget } from './weight-budget.ts'

const CsvSpec = z.strictObject({ source: z.literal('csv'), data: z.string().min(1) })

const SimulatedSpec = z.strictObject({
  source: z.literal('simulated'),
  seed: z.number().int(),
  hours: z.number().int().positive().optional(),
  coins: z.array(z.string().min(1)).nonempty().optional(),
})

const HyperliquidSpec = z.strictObject({ source: z.literal('hyperliquid'), apiUrl: z.url().optional() })

/** Bars that were taken elsewhere (`snapshot.ts`); whoever opens it has put the file at `path`. */
const SnapshotSpec = z.strictObject({
  source: z.literal('snapshot'),
  /** SHA-256 of the file. */
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha256 in hexadecimal'),
  /** Where the bars came from. */
  origin: z.string().min(1),
  path: z.string().min(1).optional(),
})
export type SnapshotSpec = z.infer<typeof SnapshotSpec>

const FailoverSpec = z.strictObject({
  source: z.literal('failover'),
  of: z.array(z.discriminatedUnion('source', [CsvSpec, SimulatedSpec, HyperliquidSpec])).nonempty(),
})

/** Where data are to come from, as configuration and jobs carry it. */
export const SourceSpec = z.discriminatedUnion('source', [
  CsvSpec,
  SimulatedSpec,
  HyperliquidSpec,
  FailoverSpec,
  SnapshotSpec,
])
export type SourceSpec = z.infer<typeof SourceSpec>

/** Hyperliquid at `apiUrl`, or where that does not serve at the first of `fallbackApiUrls` that does. */
export function hyperliquidSpec(apiUrl?: string, fallbackApiUrls: readonly string[] = []): SourceSpec {
  const first = { source: 'hyperliquid' as const, apiUrl }
  if (fallbackApiUrls.length === 0) return first
  return { source: 'failover', of: [first, ...fallbackApiUrls.map((url) => ({ ...first, apiUrl: url }))] }
}

/** The member of a source that is asked first. */
export function firstMember(spec: SourceSpec): SourceSpec {
  return spec.source === 'failover' ? spec.of[0] : spec
}

/** @see openProvider */
export interface OpenOptions {
  readonly now: () => number
  /** Keeps what the remote members of a failover serve; a single provider meets the store in `loadBars`. */
  readonly store?: Store
  /** Shared by all providers of one venue in this process. */
  readonly budget?: WeightBudget
}

/**
 * Makes the provider that `spec` describes. Nothing is asked of a venue yet.
 *
 * @throws {InputError} when a directory is not laid out as the CSV provider needs it, or a snapshot was not fetched.
 */
export function openProvider(spec: SourceSpec, options: OpenOptions): Provider {
  const { now, store, budget } = options
  switch (spec.source) {
    case 'csv':
      return createCsvProvider({ directory: spec.data })
    case 'simulated':
      return createSimulatedProvider(spec)
    case 'hyperliquid':
      return createHyperliquidProvider({ apiUrl: spec.apiUrl, now, budget })
    case 'snapshot': {
      const { path, hash, origin } = spec
      if (path === undefined) throw new InputError(`the snapshot ${hash} was not fetched to this machine`, { hash })
      return createSnapshotProvider({ path, hash, origin })
    }
    case 'failover': {
      const members = spec.of.map((member) => openProvider(member, options))
      return createFailoverProvider(
        members.map((member) =>
          member.remote && store ? throughStore(member, { store, now, whenUnavailable: 'throw' }) : member,
        ),
      )
    }
  }
}

/**
 * What time it is at the venue of a source, asked once and with no retry.
 *
 * @param options.timeout longest wait, milliseconds.
 * @returns UTC milliseconds; undefined where the source has no clock, or does not tell it now.
 */
export async function venueClock(
  spec: SourceSpec,
  options: OpenOptions & { readonly timeout?: number; readonly signal?: AbortSignal },
): Promise<number | undefined> {
  if (spec.source === 'failover') {
    for (const member of spec.of) {
      const time = await venueClock(member, options)
      if (time !== undefined) return time
    }
    return undefined
  }
  if (spec.source !== 'hyperliquid') return undefined
  const { now, budget, timeout = 5000, signal } = options
  const provider = createHyperliquidProvider({ apiUrl: spec.apiUrl, timeout, now, budget, policy: ONCE })
  try {
    return await provider.clock?.(signal)
  } catch (error) {
    if (!(error instanceof UnavailableError || error instanceof VenueError)) throw error
    return undefined
  }
}

/** Whether the venue answers, and what it said. */
export interface Probe {
  readonly available: boolean
  readonly reason: string
}

/**
 * Asks Hyperliquid for its list of coins, once and with no retry.
 *
 * @param options.timeout longest wait, milliseconds.
 * @returns also when it is not available; an abort is thrown.
 */
export async function probeHyperliquid(options: {
  readonly apiUrl?: string
  readonly timeout?: number
  readonly now: () => number
  readonly signal?: AbortSignal
}): Promise<Probe> {
  const { apiUrl, timeout = 5000, now, signal } = options
  const provider = createHyperliquidProvider({ apiUrl, timeout, now, policy: ONCE })
  try {
    const instruments = await provider.universe(signal)
    const live = instruments.filter((instrument) => instrument.live).length
    return { available: live > 0, reason: `${provider.origin} answered with ${live} live coins` }
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error
    return { available: false, reason: error.message }
  }
}
