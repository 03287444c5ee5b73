import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import nodeFlags from '#jobs/node-flags.json' with { type: 'json' }
import { temporaryFolder } from './run-cli.ts'

const LAUNCHER = fileURLToPath(new URL('../../cli/millrace.mjs', import.meta.url))
const BUNDLED = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url))
/** Makes the present Node like one that cannot run TypeScript. */
const OLD = '--no-experimental-strip-types'

function launch(launcher: string, flags: readonly string[], args: readonly string[]) {
  const { NODE_OPTIONS: _, ...env } = process.env
  return spawnSync(process.execPath, [...flags, launcher, ...args], { cwd: temporaryFolder(), env, encoding: 'utf8' })
}

describe('the launcher', () => {
  test('starts the program where Node runs TypeScript', () => {
    const { status, stdout } = launch(LAUNCHER, [], ['--version'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test.each(['up', 'worker'] as const)('keeps the heap of `%s` small for weeks, unless told otherwise', (command) => {
    const tell = 'data:text/javascript,console.error(JSON.stringify([process.pid, process.execArgv]))'
    const flags = [`--import=${tell}`, '--max-semi-space-size=64']
    const { status, stdout, stderr } = launch(LAUNCHER, flags, [command, '--help'])
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining(`Usage: millrace ${command}`) })
    const [[launcher, before], [program, after]] = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(before).toEqual(flags)
    expect(after).toEqual([...nodeFlags[command], ...flags])
    expect(program, 'a signal to the launcher is one to the program').toBe(launcher)
  })

  test('leaves the heap of other commands to Node', () => {
    const tell = 'data:text/javascript,console.error(JSON.stringify(process.execArgv))'
    const { stderr } = launch(LAUNCHER, [`--import=${tell}`], ['config', '--help'])
    expect(
      stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([[`--import=${tell}`]])
  })

  test.skipIf(!existsSync(BUNDLED))(
    'goes on with the bundled Node where it does not, and passes its exit code on',
    () => {
      const { status, stderr } = launch(LAUNCHER, [OLD], ['run', '--from', 'monday'])
      expect(stderr).toMatch(/^error: --from: from must be a date/)
      expect(status).toBe(2)
    },
  )

  test('says what to do where there is none', () => {
    const alone = join(temporaryFolder(), 'millrace.mjs')
    copyFileSync(LAUNCHER, alone)
    const { status, stderr } = launch(alone, [OLD], ['--version'])
    expect(stderr).toMatch(/^error: millrace needs Node 22.18 or newer, this is v.*run `npm ci`.*\n$/)
    expect(status).toBe(1)
  })
})
