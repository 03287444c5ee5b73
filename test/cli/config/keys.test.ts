import { describe, expect, test } from 'vitest'
import { keyByPath, keys, namesBelow, parseText } from '#cli/config/keys.ts'
import { nearest } from '#cli/config/nearest.ts'

describe('the keys of the configuration', () => {
  test('have one variable each, and no two the same', () => {
    expect(new Set(keys.map(({ variable }) => variable)).size).toBe(keys.length)
  })

  test('are named after their path', () => {
    const variables = ['training.cde.learningRate', 'testFrom', 'fleet.redisUrl', 'wheel.ouFunding.exitZ'].map(
      (path) => keyByPath.get(path)?.variable,
    )
    expect(variables).toEqual([
      'MILLRACE_TRAINING_CDE_LEARNING_RATE',
      'MILLRACE_TEST_FROM',
      'REDIS_URL',
      'MILLRACE_WHEEL_OU_FUNDING_EXIT_Z',
    ])
  })

  test('form a tree', () => {
    expect(namesBelow('fleet')).toEqual([
      'redisUrl',
      'postgresUrl',
      'namespace',
      'workers',
      'concurrency',
      'drainSeconds',
      'trainMemoryMb',
    ])
    expect(namesBelow('seed')).toEqual([])
  })

  test.each([
    ['seed', '12', 12],
    ['seed', 'twelve', 'twelve'],
    ['seed', ' ', ' '],
    ['training.cde.mirror', 'false', false],
    ['training.cde.mirror', 'off', 'off'],
    ['coins', 'BTC, ETH', ['BTC', 'ETH']],
    ['wheel.fusion.weights', '{"a":1}', { a: 1 }],
    ['wheel.fusion.weights', '{"a"', '{"a"'],
    ['training.hmm.states', '3, 4', [3, 4]],
    ['training.hmm.states', '3,four', [3, 'four']],
    ['data', '12', '12'],
  ])('%s reads %j as %j', (path, text, value) => {
    expect(parseText(keyByPath.get(path)!, text)).toEqual(value)
  })
})

test('the nearest word is the one with the fewest changed letters, whatever their case', () => {
  expect(nearest('learningrat', ['labelSmoothing', 'learningRate', 'patience'])).toBe('learningRate')
  expect(nearest('anything', [])).toBeUndefined()
})
