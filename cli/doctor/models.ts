import { SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import type { Registry } from '#models/registry.ts'
import type { AgeLimit } from '#models/registry-expiry.ts'
import type { InForce } from '../config.ts'
import type { Probe } from './check.ts'

/** What a step down says before its reason: it speaks of the whole ladder, and here one kind is looked at alone. */
const STEP_DOWN = /^degraded: [^:]*: /

const ADVICE =
  '`millrace models list` shows what there is; `millrace train` makes new ones and promotes what its verdict ships'

interface KindReport {
  readonly kind: ServedKind
  readonly versions: number
  readonly champion?: string
  readonly ageDays?: number
  /** Kept versions that have expired. */
  readonly expired: number
  /** Why it may not serve. */
  readonly fault?: string
}

/** Opens the champion as a worker would: digests, expiry, and a trial on the windows that it was saved with. */
async function inspect(registry: Registry, kind: ServedKind, limit: AgeLimit): Promise<KindReport> {
  const { openServing } = await import('#models/serving.ts')
  const { DAY, expiryOf } = await import('#models/registry-expiry.ts')
  const ids = await registry.list(kind)
  const versions = ids.length
  const { entries } = await registry.log()
  const expired = ids.filter((id) => expiryOf({ kind, id }, undefined, entries, limit) !== undefined).length
  const serving = await openServing(registry, { ...limit, only: kind })
  try {
    if (serving.id === undefined)
      return {
        kind,
        versions,
        expired,
        fault: serving.degradations.map((words) => words.replace(STEP_DOWN, '')).join('; '),
      }
    const { card } = await registry.read(kind, serving.id)
    return { kind, versions, expired, champion: serving.id, ageDays: (limit.now - card.createdAt) / DAY }
  } finally {
    await serving.close()
  }
}

function describe({ kind, versions, expired, champion, ageDays, fault }: KindReport): string {
  const name = kind.toUpperCase()
  if (champion === undefined) return versions === 0 ? `no ${name} yet` : `${name} (${versions} kept): ${fault}`
  return `${name} ${champion} verified, ${ageDays?.toFixed(1)} days old (${versions} kept${expired > 0 ? `, ${expired} expired` : ''})`
}

/** What is going on in the registry besides its champions: who changes it, what a crash has left, what cannot be read. */
async function lookAround(registry: Registry): Promise<string[]> {
  const { lockHolder } = await import('#models/registry-lock.ts')
  const { isChangePending } = await import('#models/registry-change.ts')
  const holder = await lockHolder(registry.directory)
  // Of a change that is under way the journal is no remnant.
  const pending = !holder && (await isChangePending(registry.directory))
  return [
    ...(holder ? [`process ${holder.pid} on ${holder.host} is changing the registry`] : []),
    ...(pending ? ['a change was interrupted: the next one finishes it'] : []),
    ...(await registry.log()).remarks,
  ]
}

/** The champions of the registry, their age and expiry, whether they may serve, and who holds the registry. */
export function modelsProbe({ models, maxModelAgeDays }: InForce, now: () => number): Probe {
  return {
    name: 'models',
    async look() {
      const { openRegistry } = await import('#models/registry.ts')
      const registry = openRegistry(models)
      const reports: KindReport[] = []
      const limit = { now: now(), maxAgeDays: maxModelAgeDays }
      for (const kind of SERVED_KINDS) reports.push(await inspect(registry, kind, limit))
      const whole = reports.every(({ champion }) => champion !== undefined)
      const remarks = await lookAround(registry)
      const none = reports.every(({ versions }) => versions === 0)
      return {
        finding: whole ? 'ok' : 'note',
        text: [...reports.map(describe), ...remarks].join('; '),
        advice: whole ? undefined : none ? '`millrace train` (or `run`) makes new ones' : ADVICE,
        details: { directory: models, kinds: reports, remarks },
      }
    },
  }
}
