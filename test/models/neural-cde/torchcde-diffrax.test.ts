import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { selectBackend } from '#models/backend.ts'
import { type Architecture, CdeConfiguration } from '#models/classifier/architecture.ts'
import { hiddenStates, lossAndGradient, regimeLogits, regimeProbabilities } from '#models/classifier/classifier.ts'
import type { ControlPath } from '#models/classifier/control-path.ts'
import { splitParameters } from '#models/classifier/parameters.ts'

interface Answer {
  readonly states: number[]
  readonly logits: number[]
  readonly loss: number[]
  readonly gradient: number[]
}

interface Case {
  readonly name: string
  readonly count: number
  readonly architecture: Architecture
  readonly parameters: number[]
  readonly initial: number[]
  readonly increments: number[]
  readonly final: number[]
  readonly targets: number[]
  readonly weights: number[]
  readonly peers: Record<'torchcde' | 'diffrax', Answer>
}

const fixture = readFileSync(new URL('fixtures/peers.json', import.meta.url), 'utf8')
/** Made by `test/peers/cde_peers.py`, in float64. */
const { cases } = JSON.parse(fixture, (key, value) =>
  key === 'architecture' ? { ...CdeConfiguration.parse({}), context: [], ...value } : value,
) as { cases: Case[] }

function pathOf({ count, architecture, initial, increments, final }: Case): ControlPath {
  return {
    count,
    steps: architecture.knots - 1,
    channels: initial.length / count,
    initial: Float32Array.from(initial),
    increments: Float32Array.from(increments),
    final: Float32Array.from(final),
  }
}

/** Largest relative error of a whole array: the length of the difference over the length of what is expected. */
function relativeError(found: ArrayLike<number>, expected: readonly number[]): number {
  expect(found.length).toBe(expected.length)
  const apart = Math.hypot(...expected.map((value, i) => found[i] - value))
  return apart / Math.hypot(...expected)
}

const NEAR = 1e-5

describe.each(cases)('$name', (one) => {
  const { architecture, peers } = one
  const vector = Float32Array.from(one.parameters)
  const path = pathOf(one)

  beforeAll(async () => {
    await selectBackend('wasm')
  })

  describe.each(['torchcde', 'diffrax'] as const)('is to %s', (peer) => {
    const expected = peers[peer]

    test('the same solution', async () => {
      expect(relativeError(await hiddenStates(architecture, vector, path), expected.states)).toBeLessThan(NEAR)
    })

    test('the same logits and probabilities', async () => {
      const views = splitParameters(architecture, vector)
      const logits = tf.tidy(() => {
        const tensors = Object.entries(views).map(([name, { shape, values }]) => [name, tf.tensor(values, shape)])
        return regimeLogits(architecture, Object.fromEntries(tensors), path).dataSync()
      })
      expect(relativeError(logits, expected.logits)).toBeLessThan(NEAR)
      const rows = Array.from({ length: one.count }, (_, n) => expected.logits.slice(3 * n, 3 * n + 3).map(Math.exp))
      const probabilities = rows.flatMap((row) => row.map((value) => value / (row[0] + row[1] + row[2])))
      expect(relativeError(await regimeProbabilities(architecture, vector, path), probabilities)).toBeLessThan(NEAR)
    })

    test('the same loss, and the same gradient in every parameter', async () => {
      const targets = { probabilities: Float32Array.from(one.targets), weights: Float32Array.from(one.weights) }
      const { loss, gradient } = await lossAndGradient(architecture, vector, path, targets)
      expect(Math.abs(loss / expected.loss[0] - 1)).toBeLessThan(NEAR)
      expect(relativeError(gradient, expected.gradient)).toBeLessThan(NEAR)
      let start = 0
      for (const [name, { values }] of Object.entries(splitParameters(architecture, gradient))) {
        const slopes = expected.gradient.slice(start, start + values.length)
        expect(relativeError(values, slopes), name).toBeLessThan(NEAR)
        start += values.length
      }
    })
  })
})
