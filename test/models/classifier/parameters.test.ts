import { expect, test } from 'vitest'
import { createRandom } from '#data/random.ts'
import { initialiseParameters, parameterCount, splitParameters } from '#models/classifier/parameters.ts'
import { smallArchitecture } from './cases.ts'

const architecture = smallArchitecture({ hidden: 64, width: 48, readout: 40 })

test('parameters begin with the variance that keeps a layer at the size of its input, and a calm field', () => {
  const views = splitParameters(architecture, initialiseParameters(architecture, createRandom(1)))
  for (const [name, { shape, values }] of Object.entries(views)) {
    const size = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
    if (shape.length === 1) {
      expect(size, name).toBe(0)
      continue
    }
    // Few numbers stray further from what is expected of them.
    const allowed = 4 / Math.sqrt(2 * values.length)
    const expected = (name === 'outerWeight' ? 0.1 : 1) / Math.sqrt(shape[0])
    expect(Math.abs(size / expected - 1), name).toBeLessThan(allowed)
  }
})

test('parameters fill their vector without a hole or an overlap', () => {
  const vector = Float32Array.from({ length: parameterCount(architecture) }, (_, i) => i)
  const joined = Object.values(splitParameters(architecture, vector)).flatMap(({ values }) => [...values])
  expect(joined).toEqual([...vector])
})
