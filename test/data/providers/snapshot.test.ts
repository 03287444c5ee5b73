import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { loadBars } from '#data/load.ts'
import { createSimulatedProvider, SIMULATION_START } from '#data/providers/simulated.ts'
import { createSnapshotProvider } from '#data/providers/snapshot.ts'
import { encodeSnapshot, snapshotHash } from '#data/snapshot.ts'
import { openProvider } from '#data/source.ts'
import { describeProvider } from './conformance.ts'
import { createTemporaryFolder } from './files.ts'

const folder = createTemporaryFolder()
afterAll(() => folder.remove())
let count = 0

const HOURS = 200
const range: TimeRange = { from: SIMULATION_START, to: SIMULATION_START + HOURS * HOUR }
const now = () => range.to

async function taken(change: (bars: Awaited<ReturnType<typeof loadBars>>['bars']) => void = () => {}) {
  const market = createSimulatedProvider({ seed: 3, hours: HOURS, coins: ['BTC', 'ETH', 'FOO'] })
  const { bars } = await loadBars({ provider: market, now, coins: ['ETH', 'BTC'] })
  change(bars)
  const instruments = await market.universe()
  const file = await encodeSnapshot({ origin: market.origin, bars, instruments })
  const path = join(folder.path, `snapshot-${count++}`)
  await writeFile(path, file)
  return { bars, path, hash: snapshotHash(file), origin: market.origin, instruments }
}

describeProvider('a snapshot', async () => ({
  provider: createSnapshotProvider(await taken()),
  coin: 'BTC',
  range,
}))

describe('a snapshot', () => {
  it('loads as the bars that it was taken of, gaps and unknown values included', async () => {
    const { bars, path, hash, origin } = await taken(([eth, btc]) => {
      eth.funding[7] = Number.NaN
      eth.funding[8] = -0
      btc.openInterest.fill(Number.NaN, 0, 50)
    })
    const provider = openProvider({ source: 'snapshot', path, hash, origin }, { now })
    const loaded = await loadBars({ provider, now, coins: ['ETH', 'BTC'] })
    expect(loaded.bars).toEqual(bars)
    expect(Object.is(loaded.bars[0].funding[8], -0)).toBe(true)
    expect(loaded.notices).toMatchObject([{ coin: 'ETH', kind: 'missing-funding' }])
  })

  it('knows its instruments, and none that is not in it', async () => {
    const { path, hash, origin, instruments } = await taken()
    const provider = createSnapshotProvider({ path, hash, origin })
    expect(await provider.universe()).toEqual(instruments.filter(({ coin }) => coin !== 'FOO'))
    await expect(provider.candles('FOO', range)).rejects.toThrow(/unknown coin "FOO"/)
  })

  it.each([
    ['was changed', { hash: 'a'.repeat(64) }, /was changed: its sha256 is [0-9a-f]{64}, not a{64}/],
    ['is of another market', { origin: 'hyperliquid:x' }, /holds bars of simulated:3, not of hyperliquid:x/],
    ['is missing', { path: '/nowhere/at/all' }, /cannot be read \(ENOENT\)/],
  ])('that %s is refused', async (_, change, words) => {
    const made = await taken()
    const error = await createSnapshotProvider({ ...made, ...change })
      .universe()
      .catch((thrown) => thrown)
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(words)
  })

  it('that was not fetched is refused at once', () => {
    const spec = { source: 'snapshot' as const, hash: 'b'.repeat(64), origin: 'simulated:3' }
    expect(() => openProvider(spec, { now })).toThrow(/was not fetched to this machine/)
  })
})
