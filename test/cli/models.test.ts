import { describe, expect, test } from 'vitest'
import { describeExpiry, describeRollbacks, describeVersion, describeVersions } from '#cli/summaries/models.ts'
import { openRegistry } from '#models/registry.ts'
import { listVersions, showVersion } from '#models/registry-view.ts'
import { tinyVersion } from '../models/fixtures/tiny-version.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const models = (directory: string, ...args: string[]) => runCli(['models', ...args, '--models', directory])

/** A registry with one version of each kind, by the real clock. */
async function registryOfTwo() {
  const directory = temporaryFolder()
  const registry = openRegistry(directory)
  const now = Date.now() - 86_400_000
  const [cde, hmm] = [await registry.save(tinyVersion('cde', now)), await registry.save(tinyVersion('hmm', now))]
  return { directory, registry, cde: cde.id, hmm: hmm.id }
}

describe('models', () => {
  test('promotes without a verdict by force alone, with a reason that is shown', async () => {
    const { directory, registry, cde } = await registryOfTwo()
    const refused = await models(directory, 'promote', cde)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/^error: cde .* is not promoted: no verdict has compared it.*--force --reason/)
    const mute = await models(directory, 'promote', cde, '--force')
    expect(mute).toMatchObject({ code: 2, stderr: expect.stringContaining('--force needs a --reason') })
    const forced = await models(directory, 'promote', cde, '--force', '--reason', 'for a demonstration', '--json')
    expect(JSON.parse(forced.stdout)).toMatchObject({ kind: 'cde', id: cde, promoted: true, forced: true })
    expect(await registry.resolve('cde', 'champion')).toBe(cde)
    const shown = await models(directory, 'show', 'cde@champion')
    expect(shown.stdout).toMatch(/champion \(lead, forced\): none -> .*: for a demonstration/)
  })

  test('expires by age, and tells what it cannot go back to', async () => {
    const { directory, registry, cde, hmm } = await registryOfTwo()
    await registry.promote('hmm', hmm, 'champion', 'test', 0)
    const expired = await models(directory, 'expire', '--older-than', '12h', '--delete', '--json')
    expect(JSON.parse(expired.stdout)).toEqual({
      expired: [
        { kind: 'cde', id: cde },
        { kind: 'hmm', id: hmm },
      ],
      removed: [{ kind: 'cde', id: cde }],
      kept: [{ kind: 'hmm', id: hmm, reason: 'it is champion' }],
    })
    const back = await models(directory, 'rollback', 'hmm')
    expect(back).toMatchObject({ code: 1, stderr: 'error: there is no earlier champion HMM to go back to\n' })
    const wrong = await models(directory, 'expire', '--older-than', '3 weeks')
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('such as 30d or 36h') })
  })
})

describe('for people', () => {
  test('a list names what is broken and what has expired', async () => {
    const { registry, directory, cde } = await registryOfTwo()
    await registry.promote('cde', cde, 'champion', 'test', 0)
    const text = describeVersions(await listVersions(registry, { now: Date.now(), maxAgeDays: 0.5 }))
    expect(text).toMatch(/cde +\d{8}T\S+ +1\.0 .* champion +expired: it expired by age/)
    expect(text).toContain(`champions serve in this order: cde, hmm (${directory})`)
    const empty = openRegistry(temporaryFolder())
    expect(describeVersions(await listVersions(empty, { now: 0 }))).toMatch(/^no versions in .*millrace train/)
  })

  test('a card shows where the model comes from', async () => {
    const { registry, cde } = await registryOfTwo()
    const text = describeVersion(await showVersion(registry, { kind: 'cde', id: cde }, { now: Date.now() }))
    for (const words of [
      /data +none, test, 1 coins/,
      /seed +1/,
      /parity +0/,
      /model\.onnx +\d+ bytes, sha256 [0-9a-f]{64}/,
    ]) {
      expect(text).toMatch(words)
    }
  })

  test('what was done is said line by line', () => {
    const back = { kind: 'cde' as const, from: 'b', to: 'a', passedOver: ['passed over x: gone'] }
    expect(describeRollbacks({ done: [back], remarks: ['no earlier HMM'] })).toBe(
      'cde: a is champion again, instead of b\npassed over x: gone\nno earlier HMM',
    )
    expect(describeExpiry({ expired: [], removed: [], kept: [] })).toBe('nothing to expire')
  })
})
