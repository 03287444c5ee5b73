import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
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
