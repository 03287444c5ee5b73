import { UnrecoverableError } from 'bullmq'
import { describe, expect, it } from 'vitest'
import { FatalError, InputError, ModelError, UnavailableError } from '#data/errors.ts'
import { describeError, fromFailure, toJobFailure } from '#jobs/failures.ts'

describe('errors on their way through the broker', () => {
  it('are of the same kind with the same words on the other side', () => {
    for (const error of [
      new InputError('a'),
      new UnavailableError('b: c'),
      new ModelError('d\ne'),
      new FatalError('f'),
    ]) {
      const arrived = fromFailure(toJobFailure(error).message, { job: '7' })
      expect(arrived).toBeInstanceOf(error.constructor)
      expect(arrived.message).toBe(error.message)
      expect(arrived.details).toEqual({ job: '7' })
    }
  })

  it('are tried again only where another try may help', () => {
    expect(toJobFailure(new UnavailableError('later'))).not.toBeInstanceOf(UnrecoverableError)
    for (const error of [new InputError('a'), new ModelError('b'), new FatalError('c'), new TypeError('d'), 'e']) {
      expect(toJobFailure(error)).toBeInstanceOf(UnrecoverableError)
    }
  })

  it('keep their cause, once', () => {
    const cause = new Error('disk full')
    const error = new FatalError('cannot write', {}, cause)
    expect(toJobFailure(error).cause).toBe(error)
    expect(describeError(error)).toBe('cannot write: disk full')
    expect(describeError(new FatalError('cannot write: disk full', {}, cause))).toBe('cannot write: disk full')
  })

  it('of unknown kind end up fatal with all their words', () => {
    const arrived = fromFailure(toJobFailure(new TypeError('x is not a function')).message)
    expect(arrived).toBeInstanceOf(FatalError)
    expect(arrived.message).toBe('TypeError: x is not a function')
  })

  it('of jobs that lose every worker say so', () => {
    expect(fromFailure('job stalled more than allowable limit').message).toMatch(/every worker that took it was lost/)
  })
})
