import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { ModelError } from '#data/errors.ts'
import type { ServedKind } from '#models/regime.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { expireVersions } from '#models/registry-expiry.ts'
import { reigns, servingOrder } from '#models/registry-history.ts'
import type { AliasMove } from '#models/registry-log.ts'
import {
  makeChallenger,
  type NewVerdict,
  promoteVersion,
  promoteVersions,
  recordVerdict,
  rollbackChampions,
} from '#models/registry-promotion.ts'
import { tinyVersion } from './fixtures/tiny-version.ts'
import { NOW, temporaryFolder } from './versions.ts'

let registry: Registry
beforeEach(() => {
  registry = openRegistry(temporaryFolder())
})

let clock = NOW
async function save(kind: ServedKind, origin = 'csv:data') {
  const version = tinyVersion(kind, clock++)
  const { id } = await registry.save({
    ...version,
    content: { ...version.content, data: { ...version.content.data, origin } },
  })
  return { kind, id }
}

type Versions = NewVerdict['versions']
function give(ship: NewVerdict['ship'], versions: Versions, fallback?: ServedKind) {
  const data = { hash: 'abc', origin: 'csv:data' }
  const about = { sentence: `Ship ${ship}.`, gates: [], versions, data, test: { from: 0, to: NOW }, evaluation: {} }
  return recordVerdict(registry, { ship, fallback, ...about, now: clock++ })
}

const limit = () => ({ now: clock++ })
const promote = (version: { kind: ServedKind; id: string }, force?: string) =>
  promoteVersion(registry, version, { ...limit(), force })
const rollback = (kind?: ServedKind) => rollbackChampions(registry, kind, { ...limit(), reason: 'test' })
const champion = (kind: ServedKind) => registry.find(kind, 'champion')

/** A new version that a verdict has shipped and that is champion now. */
async function crown(kind: ServedKind = 'cde') {
  const version = await save(kind)
  await give(kind, { [kind]: version.id })
  await promote(version)
  return version.id
}

describe('a promotion', () => {
  test('needs a verdict on this very version, and says how to get one', async () => {
    const version = await save('cde')
    await give('cde', { cde: (await save('cde')).id })
    const refused = promote(version)
    await expect(refused).rejects.toBeInstanceOf(ModelError)
    await expect(refused).rejects.toThrow(/no verdict has compared it.*--challenger.*evaluate --versions challenger/)
    await expect(refused).rejects.toThrow('--force --reason')
    expect(await champion('cde')).toBeUndefined()
    expect(await registry.moves()).toEqual([])
  })

  test('goes by the last verdict', async () => {
    const version = await save('cde')
    const first = await give('cde', { cde: version.id })
    expect(await promote(version)).toMatchObject({ promoted: true, role: 'lead', forced: false, verdict: first.id })
    expect(await registry.moves()).toMatchObject([
      { to: version.id, verdict: first.id, reason: `verdict ${first.id} ships it` },
    ])
    await give('none', { cde: version.id })
    await expect(promote(version)).rejects.toThrow(/verdict [0-9a-f]{16} ships none\. Ship none\. To compare it again/)
  })

  test('of the kind that is not shipped is one to stand by, where the verdict says so', async () => {
    const [cde, hmm, other] = [await save('cde'), await save('hmm'), await save('hmm')]
    await give('cde', { cde: cde.id, hmm: hmm.id }, 'hmm')
    expect(await promote(hmm)).toMatchObject({ promoted: true, role: 'fallback' })
    await give('cde', { cde: cde.id, hmm: other.id })
    await expect(promote(other)).rejects.toThrow('ships the CDE')
  })

  test('by force is logged as such, with its reason', async () => {
    const version = await save('cde')
    const verdict = await give('none', { cde: version.id })
    await promote(version, 'paper trading of May')
    expect(await registry.moves()).toMatchObject([
      { forced: true, reason: 'paper trading of May', verdict: verdict.id },
    ])
    expect(await champion('cde')).toBe(version.id)
  })

  test('is refused for a version that has expired or is broken, even by force', async () => {
    const [old, broken] = [await save('cde'), await save('cde')]
    await expireVersions(registry, { versions: [old], reason: 'bad feed', ...limit() })
    appendFileSync(join(registry.directory, 'cde', broken.id, 'model.onnx'), 'x')
    await expect(promote(old, 'I want it')).rejects.toThrow(/was expired at .* \(bad feed\): train again/)
    await expect(promote(broken, 'I want it')).rejects.toThrow(/model\.onnx has/)
    expect(await registry.moves()).toEqual([])
  })

  test('does not put a model of a simulated market over one of a real one, unless by force', async () => {
    const real = await crown()
    const simulated = await save('cde', 'simulated:1')
    await give('cde', { cde: simulated.id })
    await expect(promote(simulated)).rejects.toThrow('simulated market and must not replace')
    expect(await champion('cde')).toBe(real)
    await promote(simulated, 'a demonstration')
    expect(await champion('cde')).toBe(simulated.id)
  })

  test('of two at once moves both or none', async () => {
    const [cde, hmm] = [await save('cde'), await save('hmm')]
    await give('cde', { cde: cde.id, hmm: hmm.id }, 'hmm')
    rmSync(join(registry.directory, 'hmm', hmm.id), { recursive: true })
    await expect(promoteVersions(registry, [cde, hmm], limit())).rejects.toThrow('card.json is missing')
    expect(await champion('cde')).toBeUndefined()
    expect(await registry.moves()).toEqual([])
  })

  test('to challenger needs no verdict', async () => {
    const version = await save('hmm')
    expect(await makeChallenger(registry, version, limit())).toMatchObject({ alias: 'challenger', promoted: true })
    expect(await registry.resolve('hmm', 'challenger')).toBe(version.id)
  })

  test('loses no line of the log where many want one at once', async () => {
    const versions = await Promise.all(Array.from({ length: 6 }, () => save('cde')))
    const others = versions.map(() => openRegistry(registry.directory))
    await Promise.all(versions.map((version, i) => promoteVersion(others[i], version, { ...limit(), force: `${i}` })))
    const moves = await registry.moves()
    expect(moves.map(({ reason }) => reason).sort()).toEqual(['0', '1', '2', '3', '4', '5'])
    // Each starts from where the one before has led, and the alias stands where the last one did.
    for (const [i, { from }] of moves.entries()) expect(from).toBe(moves[i - 1]?.to ?? null)
    expect(await champion('cde')).toBe(moves.at(-1)?.to)
  })
})

describe('a rollback', () => {
  test('goes one further back each time, and says when there is no more', async () => {
    const [a, b, c] = [await crown(), await crown(), await crown()]
    expect(await rollback('cde')).toEqual({ done: [{ kind: 'cde', from: c, to: b, passedOver: [] }], remarks: [] })
    await rollback('cde')
    expect(await champion('cde')).toBe(a)
    await expect(rollback('cde')).rejects.toThrow('there is no earlier champion CDE to go back to')
    expect(await champion('cde')).toBe(a)
    expect((await registry.moves()).filter(({ action }) => action === 'rollback')).toMatchObject([
      { from: c, to: b, reason: 'test' },
      { from: b, to: a },
    ])
  })

  test('after a rollback and a promotion goes to what was champion before that promotion', async () => {
    const a = await crown()
    await crown()
    await rollback('cde')
    await crown()
    await rollback('cde')
    expect(await champion('cde')).toBe(a)
  })

  test('passes over what is gone, broken or expired, and says so', async () => {
    const [good, broken, expired, gone] = [await crown(), await crown(), await crown(), await crown()]
    const last = await crown()
    appendFileSync(join(registry.directory, 'cde', broken, 'model.onnx'), 'x')
    await expireVersions(registry, { versions: [{ kind: 'cde', id: expired }], reason: 'bad feed', ...limit() })
    rmSync(join(registry.directory, 'cde', gone), { recursive: true })
    const { done } = await rollback('cde')
    expect(done).toMatchObject([{ from: last, to: good }])
    expect(done[0].passedOver).toEqual([
      expect.stringContaining(`passed over ${gone}: `),
      expect.stringMatching(new RegExp(`passed over ${expired}: was expired at .*bad feed`)),
      expect.stringMatching(new RegExp(`passed over ${broken}: .*model.onnx has`)),
    ])
  })

  test('without a kind undoes what the last promotion has moved, as far as it can', async () => {
    const first = await crown()
    const [cde, hmm] = [await save('cde'), await save('hmm')]
    await give('cde', { cde: cde.id, hmm: hmm.id }, 'hmm')
    await promoteVersions(registry, [cde, hmm], limit())
    const { done, remarks } = await rollback()
    expect(done).toMatchObject([{ kind: 'cde', from: cde.id, to: first }])
    expect(remarks).toEqual(['there is no earlier champion HMM to go back to'])
    expect(await champion('hmm')).toBe(hmm.id)
    await crown('hmm')
    await crown('cde')
    await crown('hmm')
    await rollback()
    expect((await registry.moves()).at(-1)).toMatchObject({ kind: 'hmm', action: 'rollback' })
  })

  test('from an alias that was moved by hand leads to what the log has last', async () => {
    const [a, b] = [await crown(), await crown()]
    writeFileSync(join(registry.directory, 'cde', 'champion'), `${a}\n`)
    await rollback('cde')
    expect(await champion('cde')).toBe(b)
  })

  test('where there never was a champion has nothing to do', async () => {
    await expect(rollback()).rejects.toThrow('there never was a champion')
  })
})

test('the champions that stand behind one another are those of a stack, whatever was done', () => {
  const move = (to: string, action?: 'rollback'): AliasMove => ({
    time: 0,
    kind: 'cde',
    alias: 'champion',
    from: null,
    to,
    reason: '',
    ...(action && { action }),
  })
  fc.assert(
    fc.property(fc.array(fc.option(fc.constantFrom('a', 'b', 'c'))), (steps) => {
      const stack: string[] = []
      const moves: AliasMove[] = []
      for (const to of steps) {
        if (to !== null) {
          stack.push(to)
          moves.push(move(to))
          continue
        }
        const top = stack.at(-1)
        const before = stack.findLastIndex((id) => id !== top)
        if (before < 0) continue
        stack.length = before + 1
        moves.push(move(stack[before], 'rollback'))
      }
      expect(reigns(moves, 'cde').map(({ to }) => to)).toEqual(stack)
    }),
  )
})

describe('the order in which champions serve', () => {
  const order = async () => {
    const champions = { cde: await champion('cde'), hmm: await champion('hmm') }
    return servingOrder((await registry.log()).entries, champions)
  }

  test('is that of the kinds, until a verdict ships the HMM, and again once that is rolled back', async () => {
    expect(await order()).toEqual(['cde', 'hmm'])
    const [cde, hmm] = [await save('cde'), await save('hmm')]
    await give('cde', { cde: cde.id, hmm: hmm.id }, 'hmm')
    await promoteVersions(registry, [cde, hmm], limit())
    expect(await order()).toEqual(['cde', 'hmm'])
    await crown('hmm')
    expect(await order()).toEqual(['hmm', 'cde'])
    await rollback('hmm')
    expect(await order()).toEqual(['cde', 'hmm'])
    await crown('hmm')
    await crown('cde')
    expect(await order()).toEqual(['cde', 'hmm'])
  })

  test('of two that are forced at once is that in which they were named', async () => {
    await crown('hmm')
    await promoteVersions(registry, [await save('cde'), await save('hmm')], { ...limit(), force: 'both' })
    expect(await order()).toEqual(['cde', 'hmm'])
  })
})
