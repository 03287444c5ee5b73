import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Configuration } from '#cli/config/schema.ts'
import { isOurVariable, wrongWith } from './command-line.ts'

const FOLDER = 'deploy/systemd'
const files = readdirSync(FOLDER)
const fleet = ['millrace-up.service', 'millrace-worker@.service']

/** Settings of a unit, each with all of its values. */
function readUnit(file: string): Map<string, string[]> {
  const settings = new Map<string, string[]>()
  for (const line of readFileSync(join(FOLDER, file), 'utf8').split('\n')) {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (name) settings.set(name, [...(settings.get(name) ?? []), value])
  }
  return settings
}
const one = (file: string, name: string) => readUnit(file).get(name)?.at(-1)

describe('systemd units', () => {
  it('start what there is', () => {
    for (const file of files.filter((name) => name.endsWith('.service'))) {
      const [node, program, ...words] = one(file, 'ExecStart')!.replaceAll('%i', '1').split(' ')
      expect(node, file).toBe('/usr/bin/node')
      expect(existsSync(program), file).toBe(true)
      if (program === 'cli/millrace.mjs') expect(wrongWith(words), file).toBeUndefined()
    }
  })

  it('set nothing that sets nothing, and name only credentials that are loaded', () => {
    for (const file of fleet) {
      const unit = readUnit(file)
      const loaded = unit.get('LoadCredential')!.map((credential) => credential.split(':')[0])
      for (const [name, value] of unit.get('Environment')!.map((assignment) => assignment.split('=', 2))) {
        if (name !== 'NODE_ENV') expect(isOurVariable(name), `${file}: ${name}`).toBe(true)
        if (value.startsWith('%d/')) {
          expect(name).toMatch(/_FILE$/)
          expect(loaded).toContain(value.slice(3))
        }
      }
    }
  })

  it('keep the state where the unit may write', () => {
    for (const file of fleet) {
      const state = readUnit(file)
        .get('Environment')!
        .find((assignment) => assignment.startsWith('MILLRACE_STATE='))
      expect(state).toBe(`MILLRACE_STATE=/var/lib/${one(file, 'StateDirectory')}`)
      expect(one(file, 'ProtectSystem')).toBe('strict')
      expect(one(file, 'User')).toBe('millrace')
    }
  })

  it('bring the fleet back whatever ended it, and wait for what drains before they kill', () => {
    const { drainSeconds } = Configuration.parse({}).fleet
    for (const file of fleet) {
      expect(one(file, 'Restart')).toBe('always')
      expect(one(file, 'StartLimitIntervalSec')).toBe('0')
      expect([one(file, 'KillSignal'), one(file, 'KillMode')]).toEqual(['SIGTERM', 'mixed'])
      expect(Number(one(file, 'TimeoutStopSec'))).toBeGreaterThanOrEqual(drainSeconds + 10)
    }
  })

  it('have a service for each timer', () => {
    const timers = files.filter((name) => name.endsWith('.timer'))
    expect(timers).toEqual(['millrace-backup.timer'])
    for (const timer of timers) expect(files).toContain(timer.replace('.timer', '.service'))
  })

  it('are what systemd itself takes, where it is there to say so', async () => {
    const verify = promisify(execFile)('systemd-analyze', [
      'verify',
      '--man=no',
      ...files.map((name) => join(FOLDER, name)),
    ])
    const { stderr } = await verify.catch((error: { code?: unknown; stderr?: string }) => {
      // Not every machine has systemd; what the others say does not depend on it.
      if (error.code === 'ENOENT') return { stderr: '' }
      return { stderr: error.stderr ?? String(error) }
    })
    // It wants /usr/bin/node, which is the business of the machine that runs the units.
    const said = stderr.split('\n').filter((line) => line !== '' && !/usr\/bin\/node is not executable/.test(line))
    expect(said).toEqual([])
  })
})
