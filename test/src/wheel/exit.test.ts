import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import type { Direction, Scan } from '#src/scanners/scanner.ts'
import { exitReason } from '#src/wheel/exit.ts'

const plan = { direction: -1, holdUntil: 10 * HOUR, trendProbability: 0.3 } as const
const calm = [0.5, 0.2, 0.3] as const
const trend = [0.2, 0.7, 0.1] as const

function signal(direction: Direction): Scan {
  const horizonHours = direction === 0 ? 0 : 10
  return {
    coin: 'T',
    asOf: 0,
    source: 'one',
    style: 'contrarian',
    direction,
    strength: 0.5,
    horizonHours,
    evidence: {},
  }
}
const silent: Scan = { coin: 'T', asOf: 0, source: 'two', unavailable: 'no funding' }

const exit = (hour: number, scans: Scan[], estimate: readonly [number, number, number] | undefined) =>
  exitReason(plan, hour * HOUR, scans, estimate, 0.6)

describe('exit', () => {
  it('holds a position that is backed until its horizon', () => {
    expect(exit(9, [signal(-1), silent], calm)).toBeUndefined()
    expect(exit(10, [signal(-1), silent], calm)).toBe('horizon')
  })

  it('lets go where no scanner backs it, and names an opposite one', () => {
    expect(exit(1, [signal(0)], calm)).toBe('hysteresis')
    expect(exit(1, [signal(0), signal(1)], calm)).toBe('opposite signal')
    expect(exit(1, [signal(-1), signal(1)], calm)).toBeUndefined()
  })

  it('closes when a trend begins, but not for one that was there at the opening', () => {
    expect(exit(1, [signal(-1)], trend)).toBe('regime change')
    expect(exitReason({ ...plan, trendProbability: 0.65 }, HOUR, [signal(-1)], trend, 0.6)).toBeUndefined()
  })

  it('runs to the horizon without estimates and without scanners', () => {
    expect(exit(9, [silent], undefined)).toBeUndefined()
    expect(exit(10, [silent], undefined)).toBe('horizon')
  })
})
