import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { assemble } from '#cli/config.ts'
import { toRunSettings } from '#cli/settings.ts'

const settings = (values: Record<string, unknown>) =>
  toRunSettings(
    assemble([Object.entries(values).map(([path, value]) => ({ path, value, origin: { kind: 'default' } }))]).values,
  )

describe('what the pipeline is told', () => {
  test.each([
    [
      { source: 'auto', seed: 4 },
      { source: 'auto', seed: 4 },
    ],
    [
      { source: 'simulated', seed: 4 },
      { source: 'simulated', seed: 4 },
    ],
    [
      { source: 'hyperliquid', apiUrl: 'http://localhost:1' },
      { source: 'hyperliquid', apiUrl: 'http://localhost:1' },
    ],
    [
      { source: 'csv', data: 'here' },
      { source: 'csv', data: 'here' },
    ],
  ])('%j becomes the source %j', (values, source) => {
    expect(settings(values).source).toEqual(source)
  })

  test('times are UTC milliseconds, and left open where nothing is said', () => {
    expect(settings({ from: '2025-01-01', testFrom: '2025-02-01T05:00Z' })).toMatchObject({
      from: Date.UTC(2025, 0, 1),
      to: undefined,
      testFrom: Date.UTC(2025, 1, 1, 5),
    })
  })

  test('the pool is a list of coins, or all', () => {
    expect(settings({ pool: ['all'] }).pool).toBe('all')
    expect(settings({ pool: ['BTC', 'ETH'] }).pool).toEqual(['BTC', 'ETH'])
    expect(settings({}).pool).toBeUndefined()
  })

  test('the folders follow the state folder', () => {
    expect(settings({ state: 'x' }).paths).toEqual({
      state: 'x',
      models: join('x', 'models'),
      reports: join('x', 'reports'),
    })
  })
})
