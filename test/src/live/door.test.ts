import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allocateBars } from '#data/bars.ts'
import type { GraduationState } from '#src/ledger/events.ts'
import { openJournal } from '#src/ledger/journal.ts'
import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { type LiveConnection, openLiveVenue } from '#src/live/door.ts'
import type { OrderRequest } from '#src/venue/order.ts'

const order: OrderRequest = {
  cloid: '0x00000000000000000000000000000001',
  coin: 'ETH',
  size: 1,
  limitPrice: 1_000,
  timeInForce: 'Ioc',
  reduceOnly: false,
}
const listing = {
  contract: { coin: 'ETH', sizeDecimals: 4, marginTiers: [{ lowerBound: 0, maxLeverage: 25 }] },
  bars: allocateBars('ETH', 0),
}

function connection(): LiveConnection & { readonly calls: string[] } {
  const calls: string[] = []
  return {
    calls,
    async advance() {
      calls.push('advance')
    },
    async submit(_journal, { cloid }) {
      calls.push(`submit ${cloid.at(-1)}`)
    },
    async cancel() {
      calls.push('cancel')
    },
  }
}

function journalAt(graduation: GraduationState) {
  const journal = openJournal(createMemoryLedger())
  journal.state.graduation = graduation
  return journal
}

describe('the door to money', () => {
  it.each(['paper', 'eligible', 'demoted'] as const)('is closed on %s, and nothing connects', (graduation) => {
    let connected = false
    const connect = () => {
      connected = true
      return connection()
    }
    expect(() => openLiveVenue({ graduation }, connect)).toThrow(
      expect.objectContaining({
        action: 'fail-closed',
        message: expect.stringContaining(`graduation is ${graduation}`),
      }),
    )
    expect(connected).toBe(false)
  })

  it.each(['approved', 'live'] as const)('opens on %s', async (graduation) => {
    const journal = journalAt(graduation)
    const made = connection()
    const venue = openLiveVenue(journal.state, () => made)
    expect(venue.kind).toBe('live')
    await venue.submit(journal, order, 1, listing)
    expect(made.calls).toEqual(['submit 1'])
  })

  it('closes when graduation is taken back in the meantime, and opens for nothing but letting go', async () => {
    const journal = journalAt('live')
    const made = connection()
    const venue = openLiveVenue(journal.state, () => made)
    await venue.submit(journal, order, 1, listing)
    journal.record({
      kind: 'graduation',
      time: 2,
      from: 'live',
      to: 'demoted',
      by: 'gates',
      reason: 'drawdown is 30 %',
      evidence: {},
    })
    await expect(venue.submit(journal, order, 3, listing)).rejects.toMatchObject({ action: 'fail-closed' })
    await expect(venue.submit(journal, order, 3, listing)).rejects.toThrow(/demoted/)
    await venue.cancel(journal, order.cloid, 3)
    await venue.advance(journal, 3, new Map())
    await venue.submit(journal, { ...order, cloid: '0x02', reduceOnly: true }, 3, listing)
    expect(made.calls).toEqual(['submit 1', 'cancel', 'advance', 'submit 2'])
  })

  it('is not opened by another ledger than the one that is written', async () => {
    const made = connection()
    const venue = openLiveVenue({ graduation: 'approved' }, () => made)
    await expect(venue.submit(journalAt('paper'), order, 1, listing)).rejects.toThrow(/graduation is paper/)
    expect(made.calls).toEqual([])
  })
})

describe('the walls around it', () => {
  const root = new URL('../../..', import.meta.url).pathname
  const folders = ['src', 'jobs', 'cli', 'data', 'models', 'training', 'statistics']
  const sources = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(ts|mts|mjs|js)$/.test(path))
      .map((path) => join(folder, path)),
  )
  const found = (pattern: RegExp) =>
    sources.filter((path) => pattern.test(readFileSync(join(root, path), 'utf8'))).sort()

  it('finds sources at all', () => {
    expect(sources.length).toBeGreaterThan(100)
    expect(found(/from '@nktkas\/hyperliquid/)).toContain('data/providers/hyperliquid.ts')
  })

  it.each([
    ['the exchange client', /\bExchangeClient\b/],
    ['the signing or exchange parts of the library', /@nktkas\/hyperliquid\/(signing|api\/exchange)/],
    ['the exchange endpoint by hand', /['"`/]exchange['"`]\s*,?\s*\{?\s*method|\/exchange['"`]/],
    ['a curve to sign with', /@noble\/curves|from 'viem|from 'ethers/],
  ])('%s is used within src/live only', (_, pattern) => {
    expect(found(pattern).filter((path) => !path.startsWith('src/live/'))).toEqual([])
  })

  it('the library is never imported whole or under a name made at run time', () => {
    const whole =
      /import\s*\*\s*as\s+\w+\s+from\s+['"]@nktkas|(import|require)\(\s*['"`]@nktkas|createRequire[\s\S]*@nktkas/
    expect(found(whole)).toEqual([])
  })

  it('nobody but the door says that a venue is live', () => {
    expect(found(/kind:\s*['"]live['"]/)).toEqual(['src/live/door.ts'])
  })
})
