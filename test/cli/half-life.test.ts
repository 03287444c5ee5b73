import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeHalfLives } from '#cli/summaries/half-life.ts'
import type { HalfLifeSummary } from '#jobs/pipeline/half-life.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const START = Date.UTC(2025, 0, 1)
const HOUR = 3_600_000

/** A folder of 200 hours; the last `unsettled` hours have prices and no funding. */
function dataFolder(unsettled: number): string {
  const folder = temporaryFolder()
  for (const part of ['candles', 'funding']) mkdirSync(join(folder, part))
  const hours = Array.from({ length: 200 }, (_, i) => i)
  const candles = hours.map((i) => `${START + i * HOUR},100,101,99,100,5`)
  // A jump every nine hours, of which three fifths are left after each.
  const rate = (i: number) => 1.25e-5 + 8e-5 * 0.6 ** (i % 9) * (1 + (i % 4) / 8)
  const funding = hours.slice(0, 200 - unsettled).map((i) => `${START + (i + 1) * HOUR},${rate(i)}`)
  const flat = hours.slice(0, 200 - unsettled).map((i) => `${START + (i + 1) * HOUR},0.0000125`)
  for (const [coin, rates] of [
    ['AAA', funding],
    ['BBB', flat],
  ] as const) {
    writeFileSync(join(folder, `candles/${coin}.csv`), ['ts_ms,open,high,low,close,volume', ...candles, ''].join('\n'))
    writeFileSync(join(folder, `funding/${coin}.csv`), ['ts_ms,funding_rate', ...rates, ''].join('\n'))
  }
  return folder
}

describe('half-life', () => {
  test('ranks simulated coins without model or fleet, as JSON', async () => {
    const { code, stdout } = await runCli(['half-life', '--source', 'simulated', '--json'])
    expect(code).toBe(0)
    const { ranked, unavailable, source, windowHours } = JSON.parse(stdout) as HalfLifeSummary
    expect({ source, windowHours, unavailable }).toEqual({ source: 'simulated', windowHours: 168, unavailable: [] })
    expect(ranked).toHaveLength(8)
    expect(ranked.map(({ quality }) => quality)).toEqual(ranked.map(({ quality }) => quality).sort((a, b) => b - a))
    for (const { halfLifeLow, halfLifeHours, halfLifeHigh } of ranked) {
      expect(halfLifeLow).toBeLessThan(halfLifeHours)
      expect(halfLifeHigh ?? Number.POSITIVE_INFINITY).toBeGreaterThan(halfLifeHours)
    }
  })

  test('asks at the last hour whose funding has settled, of the coins that were named', async () => {
    const folder = dataFolder(3)
    const { code, stdout } = await runCli(['half-life', '--source', 'csv', '--data', folder, '--coins', 'AAA,BBB'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^coin +rate +theta +mu +sigma +half-life +95 % interval +z +quality +p\nAAA /)
    expect(stdout).toContain('BBB: funding did not vary (167 pairs)')
    expect(stdout).toContain('csv: 168 h of funding up to 2025-01-09 05:00 UTC')
    const one = await runCli(['half-life', '--source', 'csv', '--data', folder, '--coins', 'AAA', '--json'])
    expect(JSON.parse(one.stdout)).toMatchObject({ ranked: [{ coin: 'AAA' }], unavailable: [] })
  })

  test('says that there is no funding', async () => {
    const folder = dataFolder(200)
    const { code, stderr } = await runCli(['half-life', '--source', 'csv', '--data', folder, '--coins', 'AAA,BBB'])
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/^error: .*no funding/m)
  })
})

test('a table shows an interval without end, and whose reversion is not significant', () => {
  const row = {
    rate: 6e-5,
    theta: 0.0301,
    mu: 1.25e-5,
    sigma: 4e-6,
    halfLifeHours: 23,
    halfLifeLow: 9,
    z: 2.5,
    pairs: 167,
  }
  const text = describeHalfLives({
    source: 'csv',
    asOf: '2025-01-09T05:00:00.000Z',
    confidence: 0.9,
    significance: 0.05,
    windowHours: 168,
    ranked: [
      { ...row, coin: 'BTC', halfLifeHigh: 60, quality: 0.12, pValue: 0.01 },
      { ...row, coin: 'ETH', halfLifeHigh: null, quality: 0.1, pValue: 0.4 },
    ],
    unavailable: [],
  })
  expect(text.split('\n').slice(0, 3)).toEqual([
    'coin    rate  theta      mu   sigma  half-life  90 % interval     z  quality      p',
    'BTC   0.6000  0.030  0.1250  0.0400       23.0  9.0 to 60.0    2.50    0.120  0.010',
    'ETH   0.6000  0.030  0.1250  0.0400       23.0  9.0 to ∞       2.50    0.100  0.400',
  ])
  expect(text).toContain('not significant (p at or above 0.05), no signal: ETH\n')
})
