import { chmodSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { withFleet } from '#jobs/pipeline/fleet.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const state = mkdtempSync(join(tmpdir(), 'millrace-fleet-'))
chmodSync(state, 0o755)
afterAll(() => rm(state, { recursive: true, force: true }))

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

it('a fleet is taken down again when the work that it was for fails', async () => {
  const settings = {
    fleet: { namespace: 'test', workers: 2, concurrency: 1 },
    paths: { state, models: join(state, 'models'), reports: state },
  } as RunSettings
  let pids: readonly number[] = []
  const working = withFleet(settings, { now: Date.now, progress: () => {}, logger }, async ({ fleet, signal }) => {
    pids = fleet.pids
    expect(pids.filter(isAlive)).toHaveLength(2)
    expect(signal.aborted).toBe(false)
    throw new Error('the work failed')
  })
  await expect(working).rejects.toThrow('the work failed')
  expect(pids.filter(isAlive)).toEqual([])
})
