import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { FleetStatus } from '#jobs/watch/status.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { runCli, startCli, temporaryFolder } from './run-cli.ts'

const redisUrl = process.env.REDIS_URL
const TOKEN = 'a-token-that-nobody-else-knows'

/** A fleet from one command, and the commands that are asked beside it. */
function fleetOfOneCommand(
  broker: string,
  environment: Record<string, string>,
  { commands }: { commands: boolean },
): void {
  test(`lives from its first round to SIGTERM, on ${broker}`, async () => {
    const state = join(temporaryFolder(), 'state')
    const flags = ['--source', 'simulated', '--pace', '0.3', '--workers', '1', '--port', '0', '--state', state]
    const quick = ['--set', 'retraining.atStart=false', '--coins', 'BTC,ETH']
    const own = { ...environment, MILLRACE_TOKEN: TOKEN }
    const running = startCli(['up', ...flags, ...quick], own)
    const beside = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCli([...args, '--state', state, '--json'], environment)
      if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
      return JSON.parse(stdout)
    }
    await expect.poll(() => existsSync(join(state, 'up.json')), { timeout: 40_000, interval: 100 }).toBe(true)
    const { http } = JSON.parse(await readFile(join(state, 'up.json'), 'utf8'))
    expect((await stat(join(state, 'up.json'))).mode & 0o777).toBe(0o600)
    const get = (path: string, headers: Record<string, string> = {}) => fetch(`${http}${path}`, { headers })
    const status = async () => (await (await get('/status')).json()) as FleetStatus
    const askBeside = async () => {
      // One home for a state folder.
      const second = await runCli(['up', ...flags, ...quick], environment)
      expect(second.code).toBe(1)
      expect(second.stderr).toMatch(/has a home already: process \d+ runs `millrace up` on it/)

      const { schedules } = await beside('schedule', 'list')
      expect(schedules).toMatchObject([
        { schedule: 'hourly', known: true, paused: false, pattern: 'every 1 s' },
        { schedule: 'daily', known: true, paused: false, pattern: '30 3 * * *', last: null },
      ])
      await beside('schedule', 'pause', 'hourly')
      await expect.poll(async () => (await status()).schedules[0].paused, { timeout: 10_000 }).toBe(true)
      const refused = await runCli(['schedule', 'run-now', 'hourly', '--state', state], environment)
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('schedule resume hourly') })
      const paused = (await beside('schedule', 'list')).schedules[0]
      expect(paused.paused).toBe(true)
      await beside('schedule', 'resume', 'hourly')
    }

    await expect.poll(async () => (await status()).rounds.done, { timeout: 20_000 }).toBeGreaterThan(2)
    expect((await get('/healthz')).status).toBe(200)
    expect((await get('/readyz')).status).toBe(200)
    expect(await (await get('/metrics')).text()).toMatch(/^millrace_rounds_total\{outcome="degraded"\} [1-9]/m)
    expect((await get('/queues')).status).not.toBe(200)
    expect((await get('/queues', { authorization: `Bearer ${TOKEN}` })).status).toBe(200)

    if (commands) await askBeside()

    running.child.kill('SIGTERM')
    const { code, stdout, stderr } = await running.ended
    // A fleet without a champion says so; nothing else is wrong.
    expect(stderr.replaceAll(/^error: alert no-estimates.*$/gm, '')).not.toMatch(/error/i)
    expect(code).toBe(0)
    expect(stdout).toMatch(/the fleet has stopped: told to stop\nsimulated on (redis|postgres): \d+ rounds done/)
    expect(existsSync(join(state, 'up.json'))).toBe(false)
    expect(checkIntegrity(join(state, 'paper', 'ledger.sqlite')).broken).toBeUndefined()
    expect(`${stdout}${stderr}`).not.toContain(TOKEN)
  })
}

describe('a fleet from one command', () => {
  fleetOfOneCommand('the embedded broker', {}, { commands: true })
  if (redisUrl)
    fleetOfOneCommand('Redis', { REDIS_URL: redisUrl, MILLRACE_NAMESPACE: `up${process.pid}` }, { commands: false })
  else test.skip('lives from its first round to SIGTERM, on Redis (REDIS_URL)', () => {})
})
