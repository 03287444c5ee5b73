import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { InForce } from '#cli/config.ts'
import { modelsProbe } from '#cli/doctor/models.ts'
import { openRegistry } from '#models/registry.ts'
import { DAY, expireVersions } from '#models/registry-expiry.ts'
import { withRegistryLock } from '#models/registry-lock.ts'
import { NOW, temporaryFolder, workingVersion } from '../../models/versions.ts'

test('the doctor tells of champions, their age and expiry, of the lock and of what a crash has left', async () => {
  const models = temporaryFolder()
  const registry = openRegistry(models)
  const look = (maxModelAgeDays?: number) =>
    modelsProbe({ models, maxModelAgeDays } as InForce, () => NOW + 2 * DAY).look()
  expect(await look()).toMatchObject({ finding: 'note', text: 'no CDE yet; no HMM yet' })

  const [cde, old, hmm] = [
    await registry.save(workingVersion('cde', 1)),
    await registry.save(workingVersion('cde', 2)),
    await registry.save(workingVersion('hmm', 1)),
  ]
  await registry.promote('cde', cde.id, 'champion', 'test', NOW)
  await registry.promote('hmm', hmm.id, 'champion', 'test', NOW)
  await expireVersions(registry, { versions: [{ kind: 'cde', id: old.id }], reason: 'bad feed', now: NOW })
  const whole = await look()
  expect(whole.finding).toBe('ok')
  expect(whole.text).toBe(
    `CDE ${cde.id} verified, 2.0 days old (2 kept, 1 expired); HMM ${hmm.id} verified, 2.0 days old (1 kept)`,
  )

  const aged = await look(1)
  expect(aged).toMatchObject({
    finding: 'note',
    text: expect.stringMatching(/CDE \(2 kept\): .*2\.0 days old, 1 are allowed/),
  })

  await withRegistryLock(models, async () => {
    expect((await look()).text).toContain(`; process ${process.pid} on `)
  })
  writeFileSync(join(models, 'pending.json'), '{}')
  mkdirSync(join(models, 'cde'), { recursive: true })
  appendFileSync(join(models, 'log.jsonl'), 'what?\n')
  expect((await look()).text).toMatch(
    /a change was interrupted: the next one finishes it; .*log\.jsonl line 4 is no entry/,
  )
})
