import { beforeEach, describe, expect, it } from 'vitest'
import type { VersionIds } from '#jobs/pipeline/versions.ts'
import { type Compare, judgeChallengers } from '#jobs/retraining/judge.ts'
import type { ServedKind } from '#models/regime.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { expireVersions } from '#models/registry-expiry.ts'
import { promoteVersions } from '#models/registry-promotion.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { championName } from '#training/verdict.ts'
import { NOW, temporaryFolder, workingVersion } from '../../models/versions.ts'
import { scored } from '../../training/scored.ts'
import { silentLogger as logger } from '../silent-logger.ts'

// Every version has a macro-F1; leads have an interval of 0.02 to either side; the baselines reach 0.50 and 0.51.
const BASELINES = { rule: { macroF1: 0.5 }, linear: { macroF1: 0.51 } }
const HALF = 0.02

const context = { now: () => NOW + 1000, progress: () => {}, logger }
const dataset = {
  hash: 'abc',
  origin: 'test',
  split: { test: { from: NOW + 1, to: NOW + 2 } },
} as unknown as PreparedDataset

let registry: Registry
let worth: Map<string, number>
let asked: { field: VersionIds; champions: VersionIds }[]
let seed: number
beforeEach(() => {
  registry = openRegistry(temporaryFolder())
  worth = new Map()
  asked = []
  seed = 0
})

const version = async (kind: ServedKind, macroF1: number, seenUntil = NOW) => {
  seed++
  const data = { hash: 'abc', origin: 'test', coins: ['BTC'], range: { from: NOW - 1e9, to: seenUntil } }
  const { id } = await registry.save(workingVersion(kind, seed, { data }))
  worth.set(id, macroF1)
  return id
}
const champion = async (kind: ServedKind, macroF1: number, seenUntil?: number) => {
  const id = await version(kind, macroF1, seenUntil)
  await promoteVersions(registry, [{ kind, id }], { now: NOW, force: 'the one that serves' })
  return id
}
const compare: Compare = async (field, champions) => {
  asked.push({ field, champions })
  const scores = ([kind, id]: [string, string]) => ({ macroF1: worth.get(id)!, name: kind })
  const models = Object.fromEntries([
    ...Object.entries(field).map((one) => [one[0], scores(one)]),
    ...Object.entries(champions).map((one) => [championName(one[0] as ServedKind), scores(one)]),
  ])
  return scored({ ...models, ...BASELINES }, HALF)
}
const judge = (challengers: VersionIds) =>
  judgeChallengers({ paths: { models: registry.directory } as never }, dataset, challengers, compare, context)
const verdicts = async () => (await registry.log()).entries.filter((one) => 'gates' in one)

describe('what is judged daily', () => {
  it('is judged by the gates alone where nothing serves yet', async () => {
    const [cde, hmm] = [await version('cde', 0.58), await version('hmm', 0.55)]
    const judged = await judge({ cde, hmm })
    expect(judged).toMatchObject({ field: { cde, hmm }, verdict: { ship: 'cde', fallback: 'hmm' }, remarks: [] })
    expect(asked).toEqual([{ field: { cde, hmm }, champions: {} }])
  })

  it('follows a champion that it cannot be told from, since it knows newer data', async () => {
    const old = await champion('cde', 0.59)
    const cde = await version('cde', 0.58)
    expect(await judge({ cde })).toMatchObject({ field: { cde }, verdict: { ship: 'cde' } })
    expect(asked).toEqual([{ field: { cde }, champions: { cde: old } }])
  })

  it('does not follow a champion that is clearly better', async () => {
    await champion('cde', 0.61)
    const cde = await version('cde', 0.58)
    const judged = await judge({ cde })
    expect(judged?.verdict.ship).toBe('none')
    expect(judged?.verdict.sentence).toContain('lead over the champion −0.030')
    expect(await verdicts()).toHaveLength(1)
  })

  it('takes the lead from the champion of the other kind only where it beats that', async () => {
    const [oldHmm, oldCde] = [await champion('hmm', 0.53), await champion('cde', 0.6)]
    // The training of the neural CDE was killed: that alone must not make the HMM lead.
    const hmm = await version('hmm', 0.56)
    const judged = await judge({ hmm })
    expect(judged).toMatchObject({ field: { cde: oldCde, hmm }, verdict: { ship: 'cde', fallback: 'hmm' } })
    expect(asked).toEqual([{ field: { cde: oldCde, hmm }, champions: { hmm: oldHmm } }])
    const better = await version('hmm', 0.61)
    expect(await judge({ hmm: better })).toMatchObject({ field: { hmm: better }, verdict: { ship: 'hmm' } })
  })

  it('is compared with the champion again where the challenger of that kind has fallen short', async () => {
    const old = await champion('cde', 0.6)
    const [cde, hmm] = [await version('cde', 0.52), await version('hmm', 0.56)]
    const judged = await judge({ cde, hmm })
    expect(asked).toEqual([
      { field: { cde, hmm }, champions: { cde: old } },
      { field: { cde: old, hmm }, champions: {} },
    ])
    expect(judged).toMatchObject({ field: { cde: old, hmm }, verdict: { ship: 'cde', fallback: 'hmm' } })
  })

  it('takes the place of no leader that has seen the answers', async () => {
    const old = await champion('cde', 0.9, NOW + 2)
    const hmm = await version('hmm', 0.56)
    const judged = await judge({ hmm })
    expect(judged?.verdict.ship).toBe('none')
    expect(judged?.verdict.sentence).toMatch(/the champion CDE leads and cannot be compared: .*has seen the answers/)
    expect(judged?.remarks[0]).toContain(old)
    // Its own kind may follow it by the gates.
    const cde = await version('cde', 0.58)
    expect((await judge({ cde, hmm }))?.verdict).toMatchObject({ ship: 'cde', fallback: 'hmm' })
  })

  it('passes over a champion that does not serve any more', async () => {
    const old = await champion('cde', 0.9)
    await expireVersions(registry, { versions: [{ kind: 'cde', id: old }], reason: 'too old', now: NOW })
    const hmm = await version('hmm', 0.56)
    const judged = await judge({ hmm })
    expect(judged).toMatchObject({ field: { hmm }, verdict: { ship: 'hmm' } })
    expect(judged?.remarks[0]).toMatch(/the champion CDE does not serve: it was expired/)
  })

  it('is judged once however often it is asked for', async () => {
    await champion('cde', 0.6)
    const [cde, hmm] = [await version('cde', 0.52), await version('hmm', 0.56)]
    const first = await judge({ cde, hmm })
    expect(await judge({ cde, hmm })).toEqual(first)
    expect(asked).toHaveLength(2)
    expect(await verdicts()).toHaveLength(2)
  })

  it('is nothing where no challenger is sound', async () => {
    expect(await judge({})).toBeNull()
    expect(asked).toEqual([])
  })
})
