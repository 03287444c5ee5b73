import { expect, it } from 'vitest'
import { rejectionWords } from '#jobs/pipeline/report.ts'

it("the report tells the wheel's objections in words, also where a gate could not tell", () => {
  expect(rejectionWords('edge')).toMatch(/does not pay/)
  expect(rejectionWords('regime (unavailable)')).toBe('no regime estimate')
  expect(rejectionWords('moving-average (unavailable)')).toMatch(/moving average: could not tell$/)
  expect(rejectionWords('ou-funding (unavailable)')).toBe('ou-funding: could not tell')
})
