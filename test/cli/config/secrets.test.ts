import { expect, test } from 'vitest'
import { maskSecrets } from '#cli/config/secrets.ts'

test.each([
  ['redis://user:hunter2@cache:6379/1', 'redis://user:***@cache:6379/1'],
  ['redis://:hunter2@cache:6379', 'redis://:***@cache:6379'],
  ['postgres://cache/db?password=hunter2', 'postgres://cache/db?password=***'],
  ['redis://user:hunter2@not a host', 'redis://***@not a host'],
  ['redis://cache:6379', 'redis://cache:6379'],
  ['var/models', 'var/models'],
  [7, 7],
])('%j is shown as %j', (value, shown) => {
  expect(maskSecrets(value)).toBe(shown)
})
