import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bars, barsKnownAt, HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { learn, payoffs } from '#src/fusion/learning.ts'
import { FusionOptions } from '#src/options/fusion.ts'
import type { Direction, Scan } from '#src/scanners/scanner.ts'
import { barsFrom, makeBars, START, withOtherFuture, without } from '../market.ts'

const options = FusionOptions.parse({ weights: { a: 0.5, b: 0.3, c: 0.2 } })
const { horizonHours } = options.learning

function scan(coin: string, source: string, direction: Direction, strength: number, asOf: number): Scan {
  return { coin, asOf, source, style: 'momentum', direction, strength, horizonHours: 24, evidence: {} }
}

const byCoin = (...bars: Bars[]) => new Map(bars.map((history) => [history.coin, history]))

/** 168 steps of +-1 % (a root mean square that is known), then one close after the other. */
function swinging(coin: string, then: readonly number[], funding: readonly number[] = []) {
  const closes = Array.from({ length: 169 }, (_, i) => (i % 2 === 0 ? 100 : 100 * Math.exp(0.01)))
  return barsFrom(coin, [...closes, ...then], [...closes.map(() => 0), ...funding])
}

const THEN = START + 169 * HOUR

describe('payoffs', () => {
  it('takes direction x strength x (log return - funding paid by longs) over the volatility of the horizon', () => {
    // 0.01 an hour, four hours: a deviation of 0.02. The price rises by 3 %, longs pay 4 x 0.1 %.
    const bars = swinging('UP', [101, 102, 104, 100 * Math.exp(0.03)], [0.001, 0.001, 0.001, 0.001])
    const scans = [scan('UP', 'a', 1, 0.5, THEN), scan('UP', 'b', -1, 0.25, THEN)]
    const { a, b } = payoffs(scans, byCoin(bars), THEN, THEN + 4 * HOUR)
    expect(a).toBeCloseTo((0.5 * (0.03 - 0.004)) / 0.02, 10)
    expect(b).toBeCloseTo((-0.25 * (0.03 - 0.004)) / 0.02, 10)
  })

  it('averages over the coins on which a source had a signal', () => {
    const up = swinging('UP', [100 * Math.exp(0.01)], [0])
    const down = swinging('DOWN', [100 * Math.exp(-0.005)], [0])
    const scans = [
      scan('UP', 'a', 1, 1, THEN),
      scan('DOWN', 'a', 1, 1, THEN),
      scan('UP', 'b', 0, 0, THEN),
      scan('DOWN', 'b', -1, 1, THEN),
    ]
    const { a, b } = payoffs(scans, byCoin(up, down), THEN, THEN + HOUR)
    expect(a).toBeCloseTo((1 - 0.5) / 2, 10)
    expect(b).toBeCloseTo(0.5, 10)
  })

  it('knows nothing of sources that were silent or whose outcome is not known', () => {
    const bars = swinging('UP', [101, 102, 103], [0, Number.NaN, 0])
    const gap = without(swinging('GAP', [101, 102, 103, 104], [0, 0, 0, 0]), (row) => row === 170)
    const short = barsFrom('SHORT', [100, 101, 102, 103])
    const scans: Scan[] = [
      scan('UP', 'no-funding', 1, 1, THEN),
      scan('GAP', 'gap', 1, 1, THEN),
      scan('SHORT', 'no-volatility', 1, 1, THEN),
      scan('ELSEWHERE', 'no-bars', 1, 1, THEN),
      scan('UP', 'silent', 0, 0, THEN),
      { coin: 'UP', asOf: THEN, source: 'unable', unavailable: 'no data' },
    ]
    expect(payoffs(scans, byCoin(bars, gap, short), THEN, THEN + 3 * HOUR)).toEqual({})
    // The funding before the missing hour is known.
    expect(Object.keys(payoffs(scans, byCoin(bars, gap, short), THEN, THEN + HOUR))).toEqual(['no-funding', 'gap'])
  })

  it('counts a crash as three deviations and no more', () => {
    const bars = swinging('CRASH', [30], [0])
    expect(payoffs([scan('CRASH', 'a', -1, 1, THEN)], byCoin(bars), THEN, THEN + HOUR)).toEqual({ a: 3 })
  })

  it('does not see what comes after', () => {
    const whole = makeBars('AAA', 400, 5)
    fc.assert(
      fc.property(fc.integer({ min: 180, max: 370 }), fc.integer({ min: 1, max: 29 }), (row, hours) => {
        const then = START + row * HOUR
        const now = then + hours * HOUR
        const scans = [scan('AAA', 'a', 1, 0.7, then)]
        const seen = payoffs(scans, byCoin(whole), then, now)
        expect(Object.keys(seen)).toEqual(['a'])
        expect(payoffs(scans, byCoin(withOtherFuture(whole, row + hours)), then, now)).toEqual(seen)
        expect(payoffs(scans, byCoin(barsKnownAt(whole, now)), then, now)).toEqual(seen)
        // What comes before now does matter, unless it was beyond the bound already.
        if (Math.abs(seen.a) < 2)
          expect(payoffs(scans, byCoin(withOtherFuture(whole, row + hours - 1)), then, now)).not.toEqual(seen)
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  it('refuses opinions of another time', () => {
    expect(() => payoffs([scan('A', 'a', 1, 1, THEN + HOUR)], new Map(), THEN, THEN + 2 * HOUR)).toThrow(InputError)
    expect(() => payoffs([], new Map(), THEN, THEN)).toThrow(InputError)
  })
})

const sum = (weights: Readonly<Record<string, number>>) => Object.values(weights).reduce((total, w) => total + w, 0)
const payoff = fc.double({ min: -3, max: 3, noNaN: true })
const lessons = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'stranger'), payoff), { maxLength: 60 })

function learnAll(
  given: readonly Readonly<Record<string, number>>[],
  from = options,
  weights?: Record<string, number>,
) {
  return given.reduce<Record<string, number> | undefined>((before, lesson) => learn(before, lesson, from), weights)
}

describe('learning', () => {
  const quick = FusionOptions.parse({ ...options, learning: { rate: 5, horizonHours: 1 } })

  it('multiplies by exp(rate x payoff / horizon) and keeps the sum', () => {
    const { a, b, c } = learn(undefined, { a: 2, b: -1, c: 0 }, options)
    const step = options.learning.rate / horizonHours
    const raw = [0.5 * Math.exp(2 * step), 0.3 * Math.exp(-step), 0.2]
    const total = raw[0] + raw[1] + raw[2]
    expect([a, b, c]).toEqual(raw.map((weight) => expect.closeTo(weight / total, 12)))
  })

  it('leaves the weight of silent sources alone, and that of one that spoke alone', () => {
    const first = learn(undefined, { a: 3, b: -3 }, options)
    expect(first.c).toBe(0.2)
    expect(first.a).toBeGreaterThan(0.5)
    expect(first.a + first.b).toBeCloseTo(0.8, 12)
    expect(learn(first, { c: -3 }, options)).toEqual(first)
    expect(learn(first, {}, options)).toEqual(first)
  })

  it('stays within the bounds and keeps the sum, whatever happens', () => {
    fc.assert(
      fc.property(lessons, (given) => {
        const weights = learnAll(given, quick) ?? options.weights
        expect(Object.keys(weights)).toEqual(['a', 'b', 'c'])
        expect(sum(weights)).toBeCloseTo(1, 9)
        for (const [source, weight] of Object.entries(weights)) {
          expect(weight).toBeGreaterThanOrEqual(0.25 * options.weights[source] * (1 - 1e-12))
          expect(weight).toBeLessThanOrEqual(4 * options.weights[source] * (1 + 1e-12))
        }
      }),
      { seed: 2 },
    )
  })

  it('moves by as much as luck in one direction as by the same luck in the other', () => {
    // Over payoffs of which every one is as probable as its opposite the expected step is none.
    fc.assert(
      fc.property(payoff, payoff, payoff, (a, b, c) => {
        const ratio = (w: Record<string, number>) => Math.log(w.a / w.b) - Math.log(0.5 / 0.3)
        const there = ratio(learn(undefined, { a, b, c }, options))
        const back = ratio(learn(undefined, { a: -a, b: -b, c: -c }, options))
        expect(there + back).toBeCloseTo(0, 10)
      }),
      { seed: 3 },
    )
  })

  it('gives a source more the better it did', () => {
    fc.assert(
      fc.property(
        lessons,
        payoff,
        payoff,
        payoff,
        fc.double({ min: 0, max: 3, noNaN: true }),
        (given, a, b, c, more) => {
          const before = learnAll(given, quick)
          const less = learn(before, { a, b, c }, quick).a
          expect(learn(before, { a: a + more, b, c }, quick).a).toBeGreaterThanOrEqual(less - 1e-12)
        },
      ),
      { seed: 4 },
    )
  })

  it('goes on from the weights alone: a restart changes nothing', () => {
    fc.assert(
      fc.property(lessons, lessons, (first, second) => {
        const stored = JSON.parse(JSON.stringify(learnAll(first) ?? options.weights))
        expect(learnAll(second, options, stored)).toEqual(
          learnAll([...first, ...second], options, { ...options.weights }),
        )
      }),
      { seed: 5 },
    )
  })

  it('forgives: after any run of bad luck the bounds let a source come back as fast', () => {
    // b must gain log(ceiling / floor) twice over a at most, by 1 a lesson.
    const needed = Math.ceil((2 * Math.log(4 / 0.25)) / (options.learning.rate / horizonHours))
    const unlucky = learnAll(Array.from({ length: 20_000 }, () => ({ a: 1, b: -1 })))!
    expect(unlucky.b).toBeCloseTo(0.25 * 0.3, 12)
    const recovered = learnAll(
      Array.from({ length: needed }, () => ({ a: 0, b: 1 })),
      options,
      unlucky,
    )!
    expect(recovered.b).toBeGreaterThan(0.3)
  })

  it('does nearly as well as the best source in hindsight (Hedge regret bound)', () => {
    const rate = 0.1
    const free = FusionOptions.parse({
      weights: { a: 1, b: 1, c: 1 },
      learning: { rate, horizonHours: 1, floor: 0, ceiling: 20 },
    })
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = createRandom(seed)
      let weights: Record<string, number> | undefined
      let ours = 0
      const theirs: Record<string, number> = { a: 0, b: 0, c: 0 }
      const rounds = 500
      for (let round = 0; round < rounds; round++) {
        const edge = { a: 0.3, b: -0.1, c: 0.1 }
        const came = Object.fromEntries(
          Object.entries(edge).map(([name, mean]) => [name, Math.max(-1, Math.min(1, mean + random.normal()))]),
        )
        for (const name of Object.keys(edge)) {
          ours += ((weights?.[name] ?? 1) / 3) * came[name]
          theirs[name] += came[name]
        }
        weights = learn(weights, came, free)
      }
      // ln N / rate + rate x rounds x range^2 / 8 with payoffs in [-1, 1]: Cesa-Bianchi & Lugosi (2006), theorem 2.2.
      const bound = Math.log(3) / rate + (rate * rounds * 4) / 8
      expect(Math.max(...Object.values(theirs)) - ours).toBeLessThanOrEqual(bound)
      // Equal weights would have fallen behind by more than half of what the best brought.
      expect(ours).toBeGreaterThan(0.6 * theirs.a)
    }
  })

  it('holds what was learned under other settings to the bounds of these', () => {
    expect(learn({ a: 9, gone: 7 }, {}, options)).toEqual({ a: 2, b: 0.3, c: 0.2 })
    const without = FusionOptions.parse({ weights: { a: 0, b: 1 } })
    expect(learn({ a: 9, b: 1 }, { a: 3, b: 1 }, without)).toEqual({ a: 0, b: 1 })
  })
})
