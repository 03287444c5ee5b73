import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRedactor, redactError } from '#jobs/redaction.ts'

/** A secret as somebody may have made it up, with what JSON and URLs must escape. */
const secrets = fc.string({ minLength: 8, maxLength: 40, unit: fc.constantFrom(...'abcXYZ019"\\/+=%&é '.split('')) })

describe('a redactor', () => {
  test('leaves no secret in a text, in JSON, in JSON within JSON, nor in an address', () => {
    fc.assert(
      fc.property(secrets, fc.string(), fc.string(), (secret, before, after) => {
        const redact = createRedactor([secret])
        const text = `${before}${secret}${after}`
        for (const written of [text, JSON.stringify({ text }), JSON.stringify({ body: JSON.stringify({ text }) })]) {
          expect(redact(written)).not.toContain(secret)
          expect(redact(written)).not.toContain(JSON.stringify(secret).slice(1, -1))
        }
        expect(redact(`x?token=${encodeURIComponent(secret)}`)).toBe('x?token=***')
      }),
    )
  })

  test('keeps a line of the log one JSON document', () => {
    fc.assert(
      fc.property(secrets, fc.string(), (secret, other) => {
        const line = JSON.stringify({ level: 30, msg: `${other} ${secret} ${other}`, error: { args: [secret] } })
        expect(JSON.parse(createRedactor([secret])(line))).toMatchObject({ level: 30, error: { args: ['***'] } })
      }),
    )
  })

  test.each([
    ['redis://user:hunter2-x@cache:6379/1', 'WRONGPASS for hunter2-x at cache:6379', 'WRONGPASS for *** at cache:6379'],
    ['redis://:a%2Fb%3Dcdef@cache:6379', 'AUTH a/b=cdef, a%2Fb%3Dcdef', 'AUTH ***, ***'],
    ['redis://cache:6379', 'connect redis://cache:6379', 'connect redis://cache:6379'],
    ['postgres://postgres:postgres@db/app', 'broker postgres at db', 'broker postgres at db'],
    [
      'postgres://postgres:postgres@db/app',
      'to postgres://postgres:postgres@db/app',
      'to postgres://postgres:***@db/app',
    ],
    [
      'https://hooks.example/services/T1/B2/x7Yk29fkLq0aPzXvBn31',
      'POST /services/T1/B2/x7Yk29fkLq0aPzXvBn31',
      'POST ***',
    ],
    ['https://hooks.example/services/T1/B2/x7Yk29fkLq0aPzXvBn31', 'x7Yk29fkLq0aPzXvBn31 sent', '*** sent'],
    [
      'https://hooks.example/services/T1/B2/x7Yk29fkLq0aPzXvBn31',
      'getaddrinfo hooks.example',
      'getaddrinfo hooks.example',
    ],
    ['https://h.example/p?sig=abcdef123', 'got abcdef123', 'got ***'],
  ])('of %s it hides what is secret: %s', (secret, text, shown) => {
    expect(createRedactor([secret])(text)).toBe(shown)
  })

  test('hides the password of a URL that nobody told it of, and nothing else', () => {
    const redact = createRedactor([])
    expect(redact('{"url":"postgres://u:p@h:1/db"} at 10:30 a@b')).toBe(
      '{"url":"postgres://u:***@h:1/db"} at 10:30 a@b',
    )
    expect(redact('http://localhost:9470/metrics and user@host')).toBe('http://localhost:9470/metrics and user@host')
  })

  test('hides the whole of a secret that holds another', () => {
    expect(createRedactor(['abcdef', 'abcdefghij'])('abcdefghij abcdef')).toBe('*** ***')
  })
})

test('an error keeps its kind and its place and loses its secret', () => {
  class Odd extends Error {}
  const error = new Odd('no entry with open-sesame')
  expect(redactError(error, createRedactor(['open-sesame']))).toBe(error)
  expect(error.message).toBe('no entry with ***')
  expect(error.stack).toMatch(/no entry with \*\*\*\n\s+at .*redaction\.test/)
})
