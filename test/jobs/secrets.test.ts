import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { InputError } from '#data/errors.ts'
import { brokerEnvironment } from '#jobs/broker.ts'
import { fileVariable, keepSecret, LOG_HOOKS, readSecrets, redact, SECRETS } from '#jobs/secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-secrets-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fileWith(content: string, mode = 0o600): string {
  const file = join(folder, 'secret')
  rmSync(file, { force: true })
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}

describe('the secrets of an environment', () => {
  test.each(SECRETS)('%s comes from the variable or from a file', (name) => {
    expect(readSecrets({ [name]: 'planted-1' }).values).toEqual({ [name]: 'planted-1' })
    const file = fileWith('planted-2\n')
    expect(readSecrets({ [fileVariable(name)]: file })).toEqual({ values: { [name]: 'planted-2' }, remarks: [] })
    expect(readSecrets({ [fileVariable(name)]: file, [name]: '' }).values).toEqual({ [name]: 'planted-2' })
    expect(readSecrets({ [fileVariable(name)]: '', [name]: '' }).values).toEqual({})
  })

  test('a file loses its last line end only', () => {
    const read = (content: string) => readSecrets({ MILLRACE_TOKEN_FILE: fileWith(content) }).values.MILLRACE_TOKEN
    expect(read('  planted \r\n')).toBe('  planted ')
    expect(read('planted')).toBe('planted')
  })

  test('a file that everybody may read is remarked upon', () => {
    const { remarks } = readSecrets({ MILLRACE_TOKEN_FILE: fileWith('planted', 0o644) })
    expect(remarks).toEqual([expect.stringMatching(/^MILLRACE_TOKEN_FILE: everybody .* may read .*: `chmod 600` it$/)])
    expect(readSecrets({ MILLRACE_TOKEN_FILE: fileWith('planted', 0o640) }).remarks).toEqual([])
  })

  test('a secret that is too short to be looked for is remarked upon', () => {
    expect(readSecrets({ MILLRACE_TOKEN: 'abc' }).remarks).toEqual([
      expect.stringMatching(/^MILLRACE_TOKEN is too short/),
    ])
  })

  test.each([
    [
      'both',
      () => ({ MILLRACE_TOKEN: 'planted', MILLRACE_TOKEN_FILE: fileWith('planted') }),
      /are both set: unset one/,
    ],
    [
      'no such file',
      () => ({ MILLRACE_TOKEN_FILE: join(folder, 'absent') }),
      /^MILLRACE_TOKEN_FILE: .*absent does not/,
    ],
    ['a folder', () => ({ MILLRACE_TOKEN_FILE: folder }), /is no file/],
    ['an empty file', () => ({ MILLRACE_TOKEN_FILE: fileWith('\n') }), /is empty/],
    ['several lines', () => ({ MILLRACE_TOKEN_FILE: fileWith('planted\nplanted\n') }), /more than one line/],
    ['a large file', () => ({ MILLRACE_TOKEN_FILE: fileWith('planted'.repeat(10_000)) }), /more than 64 KiB/],
  ])('are refused without telling them: %s', (_, environment, words) => {
    const error = (() => {
      try {
        readSecrets(environment())
      } catch (thrown) {
        return thrown as Error
      }
    })()
    expect(error).toBeInstanceOf(InputError)
    expect(error?.message).toMatch(words)
    expect(JSON.stringify({ ...error, message: error?.message })).not.toContain('planted')
  })

  test('tell a worker of its broker', () => {
    const file = fileWith('redis://:planted@cache:6379\n')
    expect(brokerEnvironment({ REDIS_URL_FILE: file })).toMatchObject({ redisUrl: 'redis://:planted@cache:6379' })
  })
})

test('no line of the log holds a secret, not even within the error of a library', () => {
  keepSecret('redis://user:planted-password@cache:6379')
  const lines: string[] = []
  const logger = pino({ hooks: LOG_HOOKS }, { write: (line) => lines.push(line) })
  // What ioredis gives for a wrong password.
  const error = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['user', 'planted-password'] } })
  logger.child({ url: 'planted-password' }).error({ err: error }, 'it was planted-password')
  expect(lines.join()).not.toContain('planted-password')
  expect(JSON.parse(lines[0])).toMatchObject({ msg: 'it was ***', err: { command: { args: ['user', '***'] } } })
  expect(redact('planted-password')).toBe('***')
})

test('nor do the last words of a process that ends on an error which nobody caught', () => {
  const module = new URL('../../jobs/last-words.ts', import.meta.url).href
  const code = `import { redactLastWords } from '${module}'; redactLastWords(); throw new Error(process.env.MILLRACE_TOKEN)`
  const env = { ...process.env, MILLRACE_TOKEN: 'planted-token' }
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { env, encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stderr).toMatch(/^Error: \*\*\*\n +at /)
  expect(stderr).not.toContain('planted')
})
