import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inverseFrequency } from '#training/class-weights.ts'

it('inverse frequency gives each class that is present the same share, and 1 on average', () => {
  const labelled = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(labelled, (list) => {
      const labels = Uint8Array.from(list)
      const weights = inverseFrequency(labels)
      const shares = [0, 0, 0]
      for (const label of labels) shares[label] += weights[label] / labels.length
      const present = new Set(labels).size
      for (let k = 0; k < 3; k++) expect(shares[k]).toBeCloseTo(labels.includes(k) ? 1 / present : 0, 12)
    }),
  )
})
