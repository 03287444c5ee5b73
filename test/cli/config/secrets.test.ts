import { expect, test } from 'vitest'
import { maskSecrets, refuseSecrets, secretAdvice } from '#cli/config/secrets.ts'
import { InputError } from '#data/errors.ts'
import { SECRETS } from '#jobs/secrets.ts'

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

test.each([
  [
    'fleet.redisUrl',
    'redis://user:hunter2@cache:6379',
    /^f\.yaml line 3: fleet\.redisUrl holds a password.*set REDIS_URL, or REDIS_URL_FILE to a file$/,
  ],
  ['apiUrl', 'https://api/info?token=hunter2', /^f\.yaml line 3: apiUrl holds a password.*set MILLRACE_API_URL$/],
  ['coins', ['BTC', 'redis://:hunter2@cache'], /^f\.yaml line 3: coins holds/],
])('a file may not hold a password: %s', (path, value, line) => {
  const refuse = () => refuseSecrets([{ path, value, origin: { kind: 'file', file: 'f.yaml', line: 3 } }])
  expect(refuse).toThrow(InputError)
  expect(refuse).toThrow(line)
  expect(refuse).not.toThrow(/hunter2/)
})

test('addresses without a password may be settings', () => {
  const origin = { kind: 'flag', flag: '--set' } as const
  refuseSecrets([
    { path: 'fleet.redisUrl', value: 'redis://cache:6379/1', origin },
    { path: 'coins', value: ['BTC'], origin },
    { path: 'seed', value: undefined, origin },
  ])
})

test('whoever looks for a secret among the settings is told where it belongs', () => {
  for (const name of [...SECRETS, 'token', 'webhookUrl', 'slack', 'accessKey', 'password']) {
    expect(secretAdvice(name)).toMatch(/from variables \(MILLRACE_TOKEN, .*_FILE/)
  }
  for (const name of ['seed', 'knots', 'alerts']) expect(secretAdvice(name)).toBeUndefined()
})
