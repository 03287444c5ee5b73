import { SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import type { Registry } from '#models/registry.ts'
import type { InForce } from '../config.ts'
import type { Probe } from './check.ts'

const DAY = 86_400_000
/** What a step down says before its reason: it speaks of the whole ladder, and here one kind is looked at alone. */
const STEP_DOWN = /^degraded: [^:]*: /

interface KindReport {
  readonly kind: ServedKind
  readonly versions: number
  readonly champion?: string
  readonly ageDays?: number
  /** Why it may not serve. */
  readonly fault?: string
}

/** Opens the champion as a worker would: digests, expiry, and a trial on the windows that it was saved with. */
async function inspect(registry: Registry, kind: ServedKind, now: number): Promise<KindReport> {
  const { openServing } = await import('#models/serving.ts')
  const versions = (await registry.list(kind)).length
  const serving = await openServing(registry, { now, only: kind })
  try {
    if (serving.id === undefined)
      return { kind, versions, fault: serving.degradations.map((words) => words.replace(STEP_DOWN, '')).join('; ') }
    const { card } = await registry.read(kind, serving.id)
    return { kind, versions, champion: serving.id, ageDays: (now - card.createdAt) / DAY }
  } finally {
    await serving.close()
  }
}

function describe({ kind, versions, champion, ageDays, fault }: KindReport): string {
  const name = kind.toUpperCase()
  if (champion === undefined) return versions === 0 ? `no ${name} yet` : `${name}: ${fault}`
  return `${name} ${champion} verified, ${ageDays?.toFixed(1)} days old (${versions} kept)`
}

/** The champions of the registry, their age, and whether they may serve. */
export function modelsProbe({ models }: InForce, now: () => number): Probe {
  return {
    name: 'models',
    async look() {
      const { openRegistry } = await import('#models/registry.ts')
      const registry = openRegistry(models)
      const reports: KindReport[] = []
      for (const kind of SERVED_KINDS) reports.push(await inspect(registry, kind, now()))
      const whole = reports.every(({ champion }) => champion !== undefined)
      return {
        finding: whole ? 'ok' : 'note',
        text: reports.map(describe).join('; '),
        advice: whole ? undefined : '`millrace train` (or `run`) makes and promotes new ones',
        details: { directory: models, kinds: reports },
      }
    },
  }
}
