import { expect, it } from 'vitest'
import { usefulStride } from '#training/train-cde.ts'

it('leaves out neighbouring hours only where there are plenty', () => {
  expect(usefulStride(4_000, 3)).toBe(1)
  expect(usefulStride(45_000, 3)).toBe(2)
  expect(usefulStride(140_000, 3)).toBe(3)
  expect(usefulStride(140_000, 1)).toBe(1)
})
