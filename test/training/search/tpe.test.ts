import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { type Assignment, applies, checkSpace, type SearchSpace } from '#training/search/space.ts'
import { proposeEvenly, proposeTrial } from '#training/search/tpe.ts'
import type { Trial } from '#training/search/trial.ts'
import { functions, type StandardFunction } from './functions.ts'

interface Medians {
  readonly trials: number
  readonly functions: Record<string, { tpe: { median: number }; random: { median: number } }>
}

const optuna = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/optuna-medians.json'), 'utf8')) as Medians

const SEEDS = 20

/** What was missed of the optimum after `count` trials. */
function regret({ space, optimum, evaluate }: StandardFunction, count: number, seed: number): number {
  const trials: Trial[] = []
  const random = createRandom(seed)
  for (let number = 0; number < count; number++) {
    const parameters = proposeTrial(space, 'minimise', trials, random.fork(`trial ${number}`))
    trials.push({ number, state: 'complete', parameters, value: evaluate(parameters), curve: [] })
  }
  return Math.min(...trials.map(({ value }) => value!)) - optimum
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

describe('proposing trials by a tree-structured Parzen estimator', () => {
  // Regret, not the value itself, which may be near zero; 5 % of what random search misses is the least that counts.
  it.each(Object.keys(functions))('finds the minimum of %s as well as Optuna, and better than chance', (name) => {
    const { tpe, random } = optuna.functions[name]
    const ours = median(Array.from({ length: SEEDS }, (_, seed) => regret(functions[name], optuna.trials, seed)))
    expect(ours).toBeLessThan(tpe.median + 0.05 * random.median)
    expect(ours).toBeLessThan(random.median / 2)
  })

  it('gives the same proposal for the same seed and answers, whatever was asked in between', () => {
    const { space, evaluate } = functions.mixed
    const run = (extra: boolean) => {
      const trials: Trial[] = []
      const random = createRandom(3)
      for (let number = 0; number < 25; number++) {
        if (extra) random.uniform()
        const parameters = proposeTrial(space, 'minimise', trials, random.fork(`trial ${number}`))
        trials.push({ number, state: 'complete', parameters, value: evaluate(parameters), curve: [] })
      }
      return trials
    }
    expect(run(true)).toEqual(run(false))
  })

  it('maximises as it minimises the negative', () => {
    const { space, evaluate } = functions.branin
    const run = (sign: 1 | -1) => {
      const trials: Trial[] = []
      for (let number = 0; number < 20; number++) {
        const direction = sign === 1 ? 'minimise' : 'maximise'
        const parameters = proposeTrial(space, direction, trials, createRandom(number))
        trials.push({ number, state: 'complete', parameters, value: sign * evaluate(parameters), curve: [] })
      }
      return trials.map(({ parameters }) => parameters)
    }
    expect(run(-1)).toEqual(run(1))
  })

  it('keeps away from where a trial is running', () => {
    const space: SearchSpace = { x: { kind: 'float', low: 0, high: 1 } }
    const past = Array.from({ length: 40 }, (_, number): Trial => {
      const x = (number * 0.618) % 1
      return { number, state: 'complete', parameters: { x }, value: Math.abs(x - 0.5), curve: [] }
    })
    const running = Array.from(
      { length: 10 },
      (_, i): Trial => ({ number: 40 + i, state: 'running', parameters: { x: 0.5 + 0.001 * i }, curve: [] }),
    )
    const distance = (trials: Trial[]) =>
      median(
        Array.from({ length: 30 }, (_, seed) =>
          Math.abs(Number(proposeTrial(space, 'minimise', trials, createRandom(seed)).x) - 0.5),
        ),
      )
    expect(distance([...past, ...running])).toBeGreaterThan(1.5 * distance(past))
  })

  it('passes over failed trials', () => {
    const { space, evaluate } = functions.sphere
    const good = Array.from({ length: 12 }, (_, number): Trial => {
      const parameters = proposeEvenly(space, createRandom(number))
      return { number, state: 'complete', parameters, value: evaluate(parameters), curve: [] }
    })
    const failed: Trial = { number: 12, state: 'failed', parameters: good[0].parameters, curve: [] }
    const propose = (trials: Trial[]) => proposeTrial(space, 'minimise', trials, createRandom(1))
    expect(propose([...good, failed])).toEqual(propose(good))
  })

  it('draws evenly until ten trials have ended', () => {
    const { space } = functions.sphere
    const nine = Array.from({ length: 9 }, (_, number): Trial => {
      return { number, state: 'complete', parameters: proposeEvenly(space, createRandom(number)), value: 1, curve: [] }
    })
    const running: Trial = { ...nine[0], number: 9, state: 'running' }
    expect(proposeTrial(space, 'minimise', [...nine, running], createRandom(5))).toEqual(
      proposeEvenly(space, createRandom(5)),
    )
  })
})

const parameter = fc.oneof(
  fc.record({
    kind: fc.constant('float' as const),
    low: fc.integer({ min: 1, max: 5 }),
    high: fc.integer({ min: 6, max: 9 }),
    log: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('integer' as const),
    low: fc.integer({ min: 1, max: 5 }),
    high: fc.integer({ min: 6, max: 99 }),
    log: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('integer' as const),
    low: fc.constant(0),
    high: fc.constant(12),
    step: fc.constantFrom(1, 2, 3),
  }),
  fc.record({
    kind: fc.constant('categorical' as const),
    choices: fc.constantFrom(['a'], ['a', 'b'], [true, false, 3]),
  }),
)

describe('the search space', () => {
  it('is never left, and conditions hold in every proposal', () => {
    fc.assert(
      fc.property(fc.array(parameter, { minLength: 1, maxLength: 4 }), fc.integer(), (parameters, seed) => {
        const space: SearchSpace = {
          gate: { kind: 'categorical', choices: ['on', 'off'] },
          ...Object.fromEntries(parameters.map((each, i) => [`p${i}`, each])),
          extra: { ...parameters[0], when: { parameter: 'gate', is: 'on' } },
        }
        checkSpace(space)
        const trials: Trial[] = []
        for (let number = 0; number < 14; number++) {
          const proposed = proposeTrial(space, 'minimise', trials, createRandom(seed).fork(`${number}`))
          trials.push({ number, state: 'complete', parameters: proposed, value: (number * 7) % 5, curve: [] })
          expect(Object.keys(proposed)).toEqual(Object.keys(space).filter((name) => applies(space[name], proposed)))
          for (const [name, value] of Object.entries(proposed)) expect(within(space, name, value)).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })

  it.each<[string, SearchSpace]>([
    ['nothing to search', {}],
    ['low < high', { a: { kind: 'float', low: 2, high: 1 } }],
    ['not positive', { a: { kind: 'float', low: 0, high: 1, log: true } }],
    ['steps of 4', { a: { kind: 'integer', low: 0, high: 9, step: 4 } }],
    ['no choices', { a: { kind: 'categorical', choices: [] } }],
    ['not declared before', { a: { kind: 'float', low: 0, high: 1, when: { parameter: 'b', is: 1 } } }],
  ])('says what is wrong: %s', (words, space) => {
    expect(() => checkSpace(space)).toThrow(words)
  })
})

function within(space: SearchSpace, name: string, value: Assignment[string]): boolean {
  const given = space[name]
  if (given.kind === 'categorical') return given.choices.includes(value)
  const number = Number(value)
  const onStep = given.kind === 'float' || (number - given.low) % (given.step ?? 1) === 0
  return number >= given.low && number <= given.high && onStep
}
