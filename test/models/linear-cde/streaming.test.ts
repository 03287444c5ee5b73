import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { InputError, ModelError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import type { Windows } from '#data/windows.ts'
import { selectBackend } from '#models/backend.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { regimeProbabilities } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { initialiseParameters } from '#models/classifier/parameters.ts'
import { createLinearCdeStream, type LinearCdeStream, type StreamStep } from '#models/linear-cde/streaming.ts'
import { maxAbsDifference } from '#models/onnx/parity.ts'
import { CHANNELS, randomWindows, SCALING, smallArchitecture } from '../classifier/cases.ts'

const ARCHITECTURE = smallArchitecture({ encoder: 'linear', hidden: 8, block: 2 })

function parametersOf(architecture: Architecture, seed = 1): Float32Array {
  const random = createRandom(seed)
  return initialiseParameters(architecture, random).map((value) => value + 0.1 * random.normal())
}

const streamOf = (architecture = ARCHITECTURE, seed = 1): LinearCdeStream =>
  createLinearCdeStream(architecture, parametersOf(architecture, seed), SCALING)

function knotOf({ knots, features, mask, hours }: Windows, n: number, k: number) {
  const at = n * knots + k
  const row = (of: Float32Array) => of.subarray(at * CHANNELS.length, (at + 1) * CHANNELS.length)
  const seen = row(mask)
  return {
    features: row(features).map((value, c) => (seen[c] ? value : Number.NaN)),
    mask: seen,
    elapsed: k === 0 ? Number.NaN : hours[at] - hours[at - 1],
  }
}

/** The stream after knots `from` up to `to` of window `n`. */
function follow(stream: LinearCdeStream, windows: Windows, n: number, from: number, to: number, state?: Float32Array) {
  let step: StreamStep | undefined
  for (let k = from; k < to; k++) step = stream.step(step?.state ?? state, knotOf(windows, n, k))
  return step as StreamStep
}

beforeAll(async () => {
  await selectBackend('wasm')
})

describe('the streaming step of a linear neural CDE', () => {
  it('says after any window what the classifier says of it, missing values and uneven hours included', async () => {
    const sizes = fc.record({
      seed: fc.integer(),
      blocks: fc.integer({ min: 1, max: 4 }),
      block: fc.integer({ min: 1, max: 4 }),
      counted: fc.subarray(CHANNELS.slice(0, 2)),
      context: fc.integer({ min: 0, max: 2 }).map((size) => CHANNELS.slice(CHANNELS.length - size)),
      knots: fc.integer({ min: 1, max: 30 }),
      missing: fc.constantFrom(0, 0.2, 0.9),
    })
    await fc.assert(
      fc.asyncProperty(sizes, async ({ seed, blocks, block, counted, context, knots, missing }) => {
        const architecture = smallArchitecture({
          encoder: 'linear',
          hidden: blocks * block,
          block,
          counted,
          context,
          knots,
        })
        const windows = randomWindows(createRandom(seed), 3, knots, missing)
        const vector = parametersOf(architecture, seed)
        const expected = await regimeProbabilities(architecture, vector, controlPath(windows, architecture, SCALING))
        const stream = createLinearCdeStream(architecture, vector, SCALING)
        const found = [0, 1, 2].flatMap((n) => [...follow(stream, windows, n, 0, knots).probabilities])
        expect(maxAbsDifference(expected, found)).toBeLessThan(1e-5)
      }),
      { numRuns: 60 },
    )
  })

  it('leaves the state that it is given alone', () => {
    const windows = randomWindows(createRandom(2), 1, 6)
    const stream = streamOf()
    const { state } = follow(stream, windows, 0, 0, 3)
    const before = state.slice()
    const once = stream.step(state, knotOf(windows, 0, 3))
    expect(state).toEqual(before)
    expect(stream.step(state, knotOf(windows, 0, 3))).toEqual(once)
  })

  it('stays finite through thousands of knots that jump from one end of the clipped range to the other', () => {
    const stream = createLinearCdeStream(
      ARCHITECTURE,
      parametersOf(ARCHITECTURE).map((value) => 3 * value),
      SCALING,
    )
    let state: Float32Array | undefined
    let probabilities: Float32Array = new Float32Array(3)
    for (let k = 0; k < 5000; k++) {
      const features = CHANNELS.map(() => (k % 2 ? 1e6 : -1e6))
      ;({ state, probabilities } = stream.step(state, { features, mask: [1, 1, 1, 1], elapsed: 1 + (k % 7) }))
    }
    expect(state?.every(Number.isFinite)).toBe(true)
    expect(probabilities.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5)
  })

  it('is refused for what is no such model', () => {
    const plain = smallArchitecture({ hidden: 8 })
    expect(() => createLinearCdeStream(plain, parametersOf(plain), SCALING)).toThrow(InputError)
    expect(() => createLinearCdeStream(ARCHITECTURE, parametersOf(ARCHITECTURE).subarray(1), SCALING)).toThrow(
      /cannot be made of \d+ parameters/,
    )
    const turned = { ...SCALING, channels: [...CHANNELS].reverse() }
    expect(() => createLinearCdeStream(ARCHITECTURE, parametersOf(ARCHITECTURE), turned)).toThrow(
      'the scaling has channels funding',
    )
    const knot = knotOf(randomWindows(createRandom(1), 1, 2), 0, 1)
    expect(() => streamOf().step(new Float32Array(3), knot)).toThrow('the state has 3 numbers')
  })
})

describe('a snapshot of a stream', () => {
  const windows = randomWindows(createRandom(3), 2, 9)

  it('taken at any knot lets the stream go on as if nothing had happened', () => {
    const whole = follow(streamOf(), windows, 1, 0, 9)
    for (let pause = 1; pause < 9; pause++) {
      const kept = streamOf().snapshot(follow(streamOf(), windows, 1, 0, pause).state)
      expect(follow(streamOf(), windows, 1, pause, 9, streamOf().restore(kept))).toEqual(whole)
    }
  })

  it('holds many streams at once', () => {
    const states = [0, 1].flatMap((n) => [...follow(streamOf(), windows, n, 0, 5).state])
    expect([...streamOf().restore(streamOf().snapshot(Float32Array.from(states)))]).toEqual(states)
  })

  it('is refused by other weights, another scaling, another architecture', () => {
    const kept = streamOf().snapshot(follow(streamOf(), windows, 0, 0, 5).state)
    const rescaled = { ...SCALING, iqr: [1.2, 1.1, 0.6, 0.5] }
    const others = [
      streamOf(ARCHITECTURE, 2),
      streamOf({ ...ARCHITECTURE, block: 4 }),
      createLinearCdeStream(ARCHITECTURE, parametersOf(ARCHITECTURE), rescaled),
    ]
    for (const other of others) {
      expect(() => other.restore(kept)).toThrow(ModelError)
      expect(() => other.restore(kept)).toThrow(/cannot be restored: it is of the model [0-9a-f]{16}, this one is/)
    }
  })

  it('is refused wherever it was cut off, or a digit of it changed', () => {
    const stream = streamOf()
    const kept = stream.snapshot(follow(stream, windows, 0, 0, 5).state)
    for (let length = 0; length < kept.length; length += 7) {
      expect(() => stream.restore(kept.subarray(0, length))).toThrow(ModelError)
    }
    for (let at = 0; at < kept.length; at++) {
      const changed = Uint8Array.from(kept)
      if (!/\d/.test(String.fromCharCode(kept[at]))) continue
      changed[at] = kept[at] === 0x35 ? 0x36 : 0x35
      // The last digits of a float32 that is written as a double may not move it.
      let restored: Float32Array | undefined
      try {
        restored = stream.restore(changed)
      } catch (error) {
        expect(error).toBeInstanceOf(ModelError)
      }
      if (restored) expect(restored).toEqual(stream.restore(kept))
    }
  })

  it('is refused in another version and for states that are no states', () => {
    const stream = streamOf()
    const { state } = follow(stream, windows, 0, 0, 5)
    const text = Buffer.from(stream.snapshot(state)).toString()
    const newer = text.replace('"version":1', '"version":2')
    expect(() => stream.restore(Buffer.from(newer))).toThrow('it has version 2, this program reads 1')
    expect(() => stream.snapshot(state.subarray(1))).toThrow(ModelError)
    expect(() => stream.snapshot(state.map(() => Number.NaN))).toThrow('all to be finite')
  })
})
