import { describe, expect, test } from 'vitest'
import { createOutput } from '#cli/output.ts'
import { keepSecret } from '#jobs/secrets.ts'

/** Two streams that keep what is written. */
function open(options: { json?: boolean; level?: 'debug' | 'info' | 'warn'; format?: 'human' | 'json' } = {}) {
  const written = { stdout: '', stderr: '' }
  const streamOf = (name: 'stdout' | 'stderr') =>
    ({
      isTTY: false,
      on() {},
      write(text: string, done?: (error?: Error) => void) {
        written[name] += text
        done?.()
        return true
      },
    }) as unknown as NodeJS.WriteStream
  const stdout = streamOf('stdout')
  const log = { level: options.level ?? 'info', format: options.format ?? 'human' } as const
  const stderr = streamOf('stderr')
  const output = createOutput({ json: options.json ?? false, log, now: () => 0, stdout, stderr })
  return { output, written, stdout, stderr }
}

describe('the output of a command', () => {
  test('puts the result alone on stdout, also when a library writes there', async () => {
    const { output, written, stdout } = open({ json: true })
    stdout.write('a banner\n')
    output.logger.info('a remark')
    output.progress({ stage: 'bars', done: 0, total: 2 })
    await output.result({ value: 1, missing: Number.NaN }, () => 'never')
    expect(JSON.parse(written.stdout)).toEqual({ value: 1, missing: null })
    expect(written.stderr).toBe('a banner\na remark\nbars: 0 of 2 (0 %)\n')
  })

  test('lets no secret out: not in a line of the log, nor in a result, nor in what a library prints', async () => {
    keepSecret('planted-secret')
    for (const format of ['human', 'json'] as const) {
      const { output, written, stdout, stderr } = open({ json: true, level: 'debug', format })
      output.logger.warn({ address: 'planted-secret' }, 'no answer from planted-secret')
      stdout.write('a banner of planted-secret\n')
      stderr.write('a warning of planted-secret\n')
      await output.result({ error: 'planted-secret' }, () => 'never')
      expect(JSON.stringify(written)).not.toContain('planted-secret')
      expect(written.stderr).toMatch(/no answer from \*\*\*[\s\S]*banner of \*\*\*\na warning of \*\*\*/)
      expect(JSON.parse(written.stdout)).toEqual({ error: '***' })
    }
  })

  test('describes the result for people', async () => {
    const { output, written } = open()
    await output.result(3, (value) => `it is ${value}\n\n`)
    expect(written.stdout).toBe('it is 3\n')
  })

  test('gives stdout back when it is closed', () => {
    const { output, written, stdout } = open()
    output.close()
    stdout.write('later')
    expect(written).toEqual({ stdout: 'later', stderr: '' })
  })

  test('marks warnings, keeps fields for debugging only, and hides progress from whoever wants warnings only', () => {
    const { output, written } = open({ level: 'warn' })
    output.logger.info('not this')
    output.logger.warn({ field: 1 }, 'this')
    output.progress({ stage: 'bars', done: 0, total: 2 })
    expect(written.stderr).toBe('warning: this\n')
  })

  test('is one JSON object a line where that is asked for, progress included', () => {
    const { output, written } = open({ format: 'json' })
    output.logger.info({ coin: 'BTC' }, 'fetched')
    output.progress({ stage: 'bars', done: 1, total: 2 })
    const lines = written.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { coin: 'BTC', msg: 'fetched' },
      { msg: 'bars', progress: { done: 1, total: 2 } },
    ])
  })
})
