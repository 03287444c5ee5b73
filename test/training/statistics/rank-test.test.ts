import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { NO_REGIME } from '#training/metrics.ts'
import { kruskalWallis } from '#training/statistics/kruskal-wallis.ts'
import { blockShuffleTest } from '#training/statistics/rank-test.ts'
import { farthest, known, peers } from '../../statistics/peers.ts'
import { panel, remembering, third } from './panel.ts'

describe.each(peers.ranks)('Kruskal-Wallis against SciPy: $name', (reference) => {
  const test = kruskalWallis(Uint8Array.from(reference.group), known(reference.value), 3)

  it('gives the same H, p and effect', () => {
    expect(test.statistic).toBeCloseTo(reference.statistic, 9)
    expect(test.independentP).toBeCloseTo(reference.p, 10)
    expect(test.effect).toBeCloseTo(reference.effect, 10)
  })

  it('describes the groups alike', () => {
    expect(test.groups.map(({ count }) => count)).toEqual(reference.counts)
    const { medians, meanRanks } = reference
    expect(
      farthest(
        test.groups.map(({ median }) => median),
        known(medians),
      ),
    ).toBeLessThan(1e-11)
    expect(
      farthest(
        test.groups.map(({ meanRank }) => meanRank),
        known(meanRanks),
      ),
    ).toBeLessThan(1e-11)
  })
})

describe('Kruskal-Wallis', () => {
  it('knows nothing of one group, of one value, of no value', () => {
    const cases: [number[], number[]][] = [
      [
        [1, 1, 1],
        [1, 2, 3],
      ],
      [
        [0, 1, 2],
        [5, 5, 5],
      ],
      [
        [0, 1, 2],
        [Number.NaN, Number.NaN, Number.NaN],
      ],
      [[], []],
      [
        [NO_REGIME, NO_REGIME, 0],
        [1, 2, 3],
      ],
    ]
    for (const [group, value] of cases) {
      const test = kruskalWallis(Uint8Array.from(group), value, 3)
      expect([test.statistic, test.effect, test.independentP].every(Number.isNaN)).toBe(true)
    }
  })

  it('takes no notice at all of a sample without a regime or a value', () => {
    const row = fc.tuple(fc.constantFrom(0, 1, 2, NO_REGIME), fc.constantFrom(1, 2, 3, 4.5, 7, Number.NaN))
    fc.assert(
      fc.property(fc.array(row, { minLength: 3, maxLength: 30 }), (rows) => {
        const test = (of: [number, number][]) => {
          return kruskalWallis(
            Uint8Array.from(of, ([k]) => k),
            of.map(([, value]) => value),
            3,
          )
        }
        expect(test(rows)).toEqual(test(rows.filter(([k, value]) => k !== NO_REGIME && !Number.isNaN(value))))
      }),
    )
  })

  it('depends on the order of the values only', () => {
    const sample = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: -50, max: 50 })), { minLength: 4, maxLength: 40 })
    fc.assert(
      fc.property(sample, (rows) => {
        const group = Uint8Array.from(rows, ([k]) => k)
        const plain = kruskalWallis(
          group,
          rows.map(([, value]) => value),
          3,
        )
        const bent = kruskalWallis(
          group,
          rows.map(([, value]) => Math.exp(value / 20)),
          3,
        )
        expect(farthest([bent.statistic], [plain.statistic])).toBeLessThan(1e-12)
        if (!Number.isNaN(plain.effect)) {
          expect(plain.effect).toBeGreaterThan(-1e-9)
          expect(plain.effect).toBeLessThan(1 + 1e-9)
        }
      }),
    )
  })
})

describe('the block shuffle', () => {
  const hours = 400
  const coins = 3
  const options = (seed: number) => ({
    ...panel(hours, coins),
    blockHours: 48,
    shuffles: 99,
    random: createRandom(seed),
  })

  it('calls chance chance where labels and values both persist, which the plain test does not', () => {
    const rounds = 120
    const share = { low: 0, tenth: 0, half: 0, independent: 0 }
    for (let seed = 0; seed < rounds; seed++) {
      const random = createRandom(seed)
      const group = Uint8Array.from(remembering(random, hours, coins, 0.85), third)
      const value = remembering(random, hours, coins, 0.97)
      const { p, independentP } = blockShuffleTest({ ...options(seed), group, value })
      if (p <= 0.05) share.low += 1 / rounds
      if (p <= 0.1) share.tenth += 1 / rounds
      if (p <= 0.5) share.half += 1 / rounds
      if (independentP <= 0.05) share.independent += 1 / rounds
    }
    expect(share.low).toBeLessThan(0.12)
    expect(share.tenth).toBeLessThan(0.2)
    expect(share.half).toBeGreaterThan(0.35)
    expect(share.half).toBeLessThan(0.65)
    expect(share.independent).toBeGreaterThan(0.5)
  })

  it('finds an effect that is there', () => {
    const random = createRandom(4)
    const group = Uint8Array.from(remembering(random, hours, coins, 0.85), third)
    const value = remembering(random, hours, coins, 0.9).map((z, i) => z + (group[i] === 1 ? 1.5 : 0))
    const test = blockShuffleTest({ ...options(1), group, value })
    expect(test.p).toBe(0.01)
    expect(test.groups[1].median).toBeGreaterThan(test.groups[0].median + 1)
  })

  it('is not fooled by coins that have values of their own when regimes are alike on all of them', () => {
    const random = createRandom(6)
    const group = Uint8Array.from(remembering(random, hours, coins, 0.85), third)
    const value = Float64Array.from(group, (_, i) => (i % coins) * 100 + random.normal())
    expect(blockShuffleTest({ ...options(2), group, value }).p).toBeGreaterThan(0.05)
  })

  it('does not depend on the order of the samples', () => {
    const random = createRandom(12)
    const group = Uint8Array.from(remembering(random, hours, coins, 0.8), third)
    const value = remembering(random, hours, coins, 0.8).map((z, i) => z + 0.2 * group[i])
    const plain = options(3)
    const order = Uint32Array.from(value.keys())
    createRandom(7).shuffle(order)
    const shuffled = {
      ...options(3),
      coin: Array.from(order, (i) => plain.coin[i]),
      asOf: Float64Array.from(order, (i) => plain.asOf[i]),
      group: Uint8Array.from(order, (i) => group[i]),
      value: Float64Array.from(order, (i) => value[i]),
    }
    const [one, other] = [blockShuffleTest({ ...plain, group, value }), blockShuffleTest(shuffled)]
    expect(other.p).toBe(one.p)
    expect(other.statistic).toBeCloseTo(one.statistic, 9)
  })

  it('works with one coin, with missing regimes and with missing values', () => {
    const random = createRandom(2)
    const group = Uint8Array.from(remembering(random, 500, 1, 0.8), third)
    const value = remembering(random, 500, 1, 0.8).map((z, i) => z + 2 * group[i])
    for (let i = 0; i < 500; i += 7) group[i] = NO_REGIME
    for (let i = 0; i < 500; i += 11) value[i] = Number.NaN
    const test = blockShuffleTest({ ...panel(500, 1), group, value, blockHours: 24, shuffles: 99, random })
    expect(test.p).toBe(0.01)
    expect(test.groups.reduce((sum, { count }) => sum + count, 0)).toBe(500 - 72 - 46 + 7)
  })

  it('gives no p where nothing can be tested: one regime, one value, no value, too few blocks', () => {
    const group = Uint8Array.from({ length: hours * coins }, (_, i) => i % 3)
    const value = remembering(createRandom(1), hours, coins, 0.5)
    const attempt = (change: object) => blockShuffleTest({ ...options(1), group, value, ...change }).p
    expect(attempt({ group: new Uint8Array(hours * coins) })).toBeNaN()
    expect(attempt({ value: new Float64Array(hours * coins).fill(3) })).toBeNaN()
    expect(attempt({ value: new Float64Array(hours * coins).fill(Number.NaN) })).toBeNaN()
    expect(attempt({ blockHours: 81 })).toBeNaN()
    expect(attempt({ blockHours: 80 })).not.toBeNaN()
  })

  it('refuses two samples of one coin at one time, other lengths, and options that cannot be', () => {
    const group = new Uint8Array(hours * coins).map((_, i) => i % 3)
    const value = remembering(createRandom(1), hours, coins, 0.5)
    const attempt = (change: object) => () => blockShuffleTest({ ...options(1), group, value, ...change })
    expect(attempt({ coin: new Array<string>(hours * coins).fill('BTC') })).toThrow(/BTC has two samples at 1970/)
    expect(attempt({ value: [1, 2] })).toThrow(InputError)
    expect(attempt({ blockHours: 0 })).toThrow(/blockHours is 0/)
    expect(attempt({ shuffles: 1.5 })).toThrow(/shuffles is 1.5/)
  })
})
