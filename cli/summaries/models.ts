import type { ExpireResult } from '#models/registry-expiry.ts'
import type { LogEntry } from '#models/registry-log.ts'
import type { Promotion, Rollbacks } from '#models/registry-promotion.ts'
import type { RegistryView, VersionDetails, VersionRow } from '#models/registry-view.ts'
import { decimal, layOut, minute } from '../table.ts'

/** What is to be known of a version at a glance. */
function stateOf({ broken, expired }: VersionRow): string {
  if (broken !== undefined) return `broken: ${broken}`
  return expired === undefined ? 'whole' : `expired: it ${expired}`
}

/** All versions, newest last. */
export function describeVersions({ directory, versions, order, remarks }: RegistryView): string {
  if (versions.length === 0) return `no versions in ${directory}: \`millrace train\` makes some`
  const rows = versions.map((version) => [
    version.kind,
    version.id,
    decimal(version.ageDays, 1),
    version.encoder ?? '-',
    version.seed ?? '',
    decimal(version.macroF1),
    version.aliases.join(' ') || '-',
    stateOf(version),
  ])
  const table = layOut([['kind', 'version', 'days', 'encoder', 'seed', 'macro-F1', 'alias', 'state'], ...rows])
  return [table, '', `champions serve in this order: ${order.join(', ')} (${directory})`, ...remarks].join('\n')
}

const date = (time: number) => minute(new Date(time).toISOString())

function describeEntry(entry: LogEntry): string {
  if (!('alias' in entry)) return `${entry.action}: ${'reason' in entry ? entry.reason : entry.sentence}`
  const { alias, from, to, action, role, forced, reason } = entry
  const how = [role, forced && 'forced', action].filter(Boolean).join(', ')
  return `${alias}${how ? ` (${how})` : ''}: ${from ?? 'none'} -> ${to}: ${reason}`
}

/** The model card with lineage, and what became of the version. */
export function describeVersion(version: VersionDetails): string {
  const { card, history, verdict } = version
  const facts: [string, string][] = [
    ['version', `${version.kind} ${version.id}`],
    ['made', `${date(version.createdAt)}, ${decimal(version.ageDays, 1)} days ago`],
    ['alias', version.aliases.join(' ') || '-'],
    ['state', stateOf(version)],
  ]
  if (card) {
    const { data, metrics, parity } = card
    const range = `${date(data.range.from)} to ${date(data.range.to)}`
    facts.push(
      ['data', `${data.hash}, ${data.origin}, ${data.coins.length} coins, ${range}`],
      ['configuration', JSON.stringify(card.configuration)],
      ['channels', `${card.channels.join(' ')}, ${card.knots} knots`],
      ['seed', String(card.seed)],
      ['metrics', JSON.stringify(metrics)],
      ['parity', `${parity.maxAbsDiff.toExponential(1)} at most, over ${parity.windows} windows`],
      ...Object.entries(card.files).map(([name, { bytes, sha256 }]): [string, string] => [
        name,
        `${bytes} bytes, sha256 ${sha256}`,
      ]),
    )
  }
  if (verdict) {
    const { id, sentence, gates, data, test } = verdict
    facts.push(
      ['verdict', `${id} of ${date(verdict.time)}: ${sentence}`],
      ['compared on', `${data.origin} ${data.hash}, ${date(test.from)} to ${date(test.to)}`],
      ...gates
        .filter(({ candidate }) => (candidate ?? version.kind) === version.kind)
        .map(({ name, passed, detail }): [string, string] => [passed ? 'passed' : 'failed', `${name}: ${detail}`]),
    )
  }
  facts.push(...history.map((entry): [string, string] => [date(entry.time), describeEntry(entry)]))
  return layOut(facts)
}

/** What came of a promotion. */
export function describePromotion({ kind, id, alias, role, forced, reason }: Promotion): string {
  const how = [role === 'lead' && 'serves first', role === 'fallback' && 'stands by', forced && 'forced']
  const words = how.filter(Boolean).join(', ')
  return `${kind} ${id} is ${alias}${words ? ` (${words})` : ''}: ${reason}`
}

/** Who is champion again. */
export function describeRollbacks({ done, remarks }: Rollbacks): string {
  const lines = done.flatMap(({ kind, from, to, passedOver }) => [
    `${kind}: ${to} is champion again, instead of ${from ?? 'none'}`,
    ...passedOver,
  ])
  return [...lines, ...remarks].join('\n')
}

/** What expired, what was removed, and what was kept. */
export function describeExpiry({ expired, removed, kept }: ExpireResult): string {
  const lines = [
    ...expired.map(({ kind, id }) => `${kind} ${id} is expired and does not serve any more`),
    ...removed.map(({ kind, id }) => `${kind} ${id} is removed`),
    ...kept.map(({ kind, id, reason }) => `${kind} ${id} is kept: ${reason}`),
  ]
  return lines.join('\n') || 'nothing to expire'
}
