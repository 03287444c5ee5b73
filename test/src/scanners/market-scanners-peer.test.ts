import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allocateBars, type Bars, HOUR } from '#data/bars.ts'
import { WheelOptions } from '#src/options.ts'
import { createBreakoutScanner } from '#src/scanners/breakout.ts'
import { createCrossSectionScanner } from '#src/scanners/cross-section.ts'
import { createFlowScanner } from '#src/scanners/flow.ts'
import { isSignal } from '#src/scanners/scanner.ts'
import { START } from '../market.ts'

type Column = Exclude<keyof Bars, 'coin' | 'openTime'>

/** Made by `test/peers/market_scanners.py`. */
interface Fixture {
  readonly options: Readonly<Record<'crossSection' | 'breakout' | 'flow', Record<string, number>>>
  /** Rows that are checked: from, to. */
  readonly checked: readonly [number, number]
  readonly coins: Readonly<Record<string, Record<Column, number[]>>>
  /** By scanner and coin, one value a checked row. */
  readonly expected: Readonly<Record<string, Record<string, Record<string, number[]>>>>
}

const text = readFileSync(new URL('fixtures/market-scanners.json', import.meta.url), 'utf8')
const fixture = JSON.parse(text) as Fixture
const options = WheelOptions.parse(fixture.options)
const universe = Object.entries(fixture.coins).map(([coin, columns]) => {
  const bars = allocateBars(coin, columns.close.length)
  bars.openTime.forEach((_, row) => {
    bars.openTime[row] = START + row * HOUR
  })
  for (const [name, values] of Object.entries(columns)) bars[name as Column].set(values)
  return bars
})

describe.each([
  createCrossSectionScanner(options.crossSection),
  createBreakoutScanner(options.breakout),
  createFlowScanner(options.flow),
])('$source', (scanner) => {
  it.each(universe)('says of $coin what pandas says', (bars) => {
    const { direction, ...numbers } = fixture.expected[scanner.source][bars.coin]
    const [from, to] = fixture.checked
    for (let row = from; row < to; row++) {
      const scan = scanner.scan(bars, START + (row + 1) * HOUR, 0, { bars: universe })
      if (!isSignal(scan)) throw new Error(scan.unavailable)
      expect(scan.direction).toBe(direction[row - from] + 0)
      for (const [name, values] of Object.entries(numbers)) {
        expect(scan.evidence[name], `${name} in row ${row}`).toBeCloseTo(values[row - from], 9)
      }
    }
  })
})
