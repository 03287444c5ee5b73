import { describe, expect, test } from 'vitest'
import { describeFailure, exitCodeOf } from '#cli/failure.ts'
import { FatalError, InputError, ModelError, UnavailableError } from '#data/errors.ts'

describe('an error', () => {
  test.each([
    [new InputError('x'), 2],
    [new UnavailableError('x'), 1],
    [new ModelError('x'), 1],
    [new FatalError('x'), 1],
    [new Error('x'), 1],
    ['x', 1],
  ])('%s ends with exit code %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code)
  })

  test('is one line', () => {
    expect(describeFailure(new InputError('first\n  second'))).toBe('first; second')
  })

  test('of the operating system comes with what to do', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    expect(describeFailure(full)).toMatch(/no space left.*the disk is full: free some space/)
  })

  test('that nobody foresaw says so', () => {
    expect(describeFailure(new TypeError('x is not a function'))).toBe('unexpected TypeError: x is not a function')
  })
})
