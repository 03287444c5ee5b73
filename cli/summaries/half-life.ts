import type { HalfLifeSummary, RankedHalfLife } from '#jobs/pipeline/half-life.ts'
import { decimal, layOut, minute } from '../table.ts'

/** The coins by how their funding reverts, best first. */
export function describeHalfLives(summary: HalfLifeSummary): string {
  const { source, asOf, confidence, significance, windowHours, ranked, unavailable } = summary
  const level = `${Number((100 * confidence).toPrecision(3))} %`
  const head = ['coin', 'rate', 'theta', 'mu', 'sigma', 'half-life', `${level} interval`, 'z', 'quality', 'p']
  const lines: string[] = []
  if (ranked.length > 0) lines.push(layOut([head, ...ranked.map(row)]), '')
  for (const { coin, unavailable: reason } of unavailable) lines.push(`${coin}: ${reason}`)
  if (unavailable.length > 0) lines.push('')
  const unsure = ranked.filter(({ pValue }) => !(pValue < significance)).map(({ coin }) => coin)
  if (unsure.length > 0) {
    lines.push(`mean reversion is not significant (p at or above ${significance}), no signal: ${unsure.join(' ')}`)
  }
  lines.push(
    `${source}: ${windowHours} h of funding up to ${minute(asOf)} UTC; rate, mu and sigma in basis points an hour, ` +
      'theta per hour, half-lives in hours',
  )
  return lines.join('\n')
}

function row(one: RankedHalfLife): string[] {
  const { coin, rate, theta, mu, sigma, halfLifeHours, halfLifeLow, halfLifeHigh, z, quality, pValue } = one
  const basisPoints = (share: number) => decimal(1e4 * share, 4)
  const high = halfLifeHigh === null ? '∞' : decimal(halfLifeHigh, 1)
  const interval = `${decimal(halfLifeLow, 1)} to ${high}`
  const process = [basisPoints(rate), decimal(theta), basisPoints(mu), basisPoints(sigma), decimal(halfLifeHours, 1)]
  return [coin, ...process, interval, decimal(z, 2), decimal(quality), decimal(pValue)]
}
