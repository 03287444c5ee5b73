import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runCli, startCli } from './run-cli.ts'

/** An exchange that takes requests and never answers. */
async function hangingExchange() {
  const server = createServer(() => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: once(server, 'request') }
}

describe('wrong input', () => {
  test.each([
    ['no command', [], /^error: name a command: run, fetch, /],
    ['an unknown command', ['trian'], /^error: unknown command 'trian' \(Did you mean train\?\)$/],
    ['a date that is none', ['run', '--from', 'monday'], /^error: --from: from must be a date .*got "monday"$/],
    ['a worker without a broker', ['worker'], /^error: a worker needs the fleet's broker: set REDIS_URL/],
  ])('gets one line and exit code 2: %s', async (_, args, line) => {
    const { code, stdout, stderr } = await runCli(args)
    expect(stderr.trim()).toMatch(line)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})

test('a broker that cannot be reached is one line and exit code 1, without its password', async () => {
  const { code, stderr } = await runCli(['worker'], { REDIS_URL: 'redis://user:hunter2@127.0.0.1:1' })
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error: Redis at redis:\/\/127.0.0.1:1 cannot be used: .*\n$/)
})

test('the stack of an error is shown to whoever asks for it', async () => {
  const { stderr } = await runCli(['worker', '--log-level', 'debug'], { REDIS_URL: 'redis://127.0.0.1:1' })
  expect(stderr).toMatch(/UnavailableError: .*\n\s+at /)
})

describe('config', () => {
  test('prints one JSON document and keeps remarks off it', async () => {
    const environment = { MILLRACE_SEED: '5', MILLRACE_SEDE: '6', REDIS_URL: 'redis://user:hunter2@cache:6379' }
    const { code, stdout, stderr } = await runCli(['config', '--json', '--workers', '3'], environment)
    expect(code).toBe(0)
    const { values, origins } = JSON.parse(stdout)
    expect(values).toMatchObject({ seed: 5, fleet: { workers: 3, redisUrl: 'redis://user:***@cache:6379' } })
    expect(origins).toMatchObject({
      seed: { kind: 'environment', variable: 'MILLRACE_SEED' },
      'fleet.workers': { kind: 'flag', flag: '--workers' },
      'training.knots': { kind: 'default' },
    })
    expect(stderr).toBe('warning: the variable MILLRACE_SEDE sets nothing; the nearest that does is MILLRACE_SEED\n')
  })
})

describe('doctor', () => {
  test('prints one JSON document in which every part of the machine has its finding', async () => {
    const { code, stdout } = await runCli(['doctor', '--json', '--api-url', 'http://127.0.0.1:9'])
    const { ready, checks } = JSON.parse(stdout)
    expect(checks.map(({ name }: { name: string }) => name)).toEqual([
      'node',
      'store',
      'broker',
      'backend',
      'onnxruntime',
      'models',
      'fleet',
      'hyperliquid',
    ])
    expect(checks.find(({ name }: { name: string }) => name === 'hyperliquid')).toMatchObject({ finding: 'note' })
    expect({ code, ready }).toEqual({ code: 0, ready: true })
  })

  test('ends with 1 where a run would fail, and says what to do', async () => {
    const { code, stdout } = await runCli(['doctor', '--source', 'hyperliquid', '--api-url', 'http://127.0.0.1:9'], {
      REDIS_URL: 'redis://127.0.0.1:1',
    })
    expect(code).toBe(1)
    expect(stdout).toMatch(/broker +problem +Redis at .* unset REDIS_URL to use the embedded broker/)
    expect(stdout).toMatch(/`npm start` would fail: broker, hyperliquid\n$/)
  })

  test('stops at Ctrl-C with exit code 130 and nothing on stdout', async () => {
    const exchange = await hangingExchange()
    const { child, ended } = startCli(['doctor', '--json', '--api-url', exchange.url])
    await exchange.asked
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).toMatch(/^warning: SIGINT: stopping/)
    // What breaks while stopping is no error of its own.
    expect(stderr).not.toMatch(/^error: /m)
  })
})

test('a reader that has seen enough is no failure', async () => {
  for (const args of [['--help'], ['config', '--help'], ['config', '--json']]) {
    const { child, ended } = startCli(args)
    child.stdout?.destroy()
    const { code, stderr } = await ended
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' })
  }
})
