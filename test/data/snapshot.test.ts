import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocateBars, type Bars } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { decodeSnapshot, encodeSnapshot, type Snapshot, snapshotHash } from '#data/snapshot.ts'

/** Any bits that a float64 can have, drawn as bits: NaN of every payload, -0, subnormals. */
const anyFloat = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0x8000000000000000n, 0x7ff8000000000000n, 0xfff8000000000001n, 1n),
)
const columns = ['openTime', 'open', 'high', 'low', 'close', 'volume', 'funding', 'openInterest'] as const

const anyBars = fc
  .record({
    coin: fc.stringMatching(/^[A-Zk][A-Z0-9]{0,9}$/),
    rows: fc.array(fc.tuple(...columns.map(() => anyFloat)), { maxLength: 20 }),
  })
  .map(({ coin, rows }): Bars => {
    const bars = allocateBars(coin, rows.length)
    columns.forEach((name, c) => {
      const bits = new BigUint64Array(bars[name].buffer)
      for (const [i, row] of rows.entries()) bits[i] = row[c]
    })
    return bars
  })

/** Compared as bits: NaN and -0 included. */
function bitsOf({ bars, ...rest }: Snapshot) {
  return {
    ...rest,
    bars: bars.map((coin) => [
      coin.coin,
      ...columns.map((name) =>
        Buffer.from(coin[name].buffer, coin[name].byteOffset, coin[name].byteLength).toString('hex'),
      ),
    ]),
  }
}

const example: Snapshot = {
  origin: 'hyperliquid:https://api.hyperliquid.xyz',
  instruments: [{ coin: 'BTC', live: true, sizeDecimals: 5, maxLeverage: 40 }],
  bars: [Object.assign(allocateBars('BTC', 3), { close: Float64Array.of(1, Number.NaN, -0) })],
}

describe('a snapshot', () => {
  it('gives back every bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyBars, { maxLength: 4 }), async (bars) => {
        const snapshot = { ...example, bars }
        expect(bitsOf(await decodeSnapshot(await encodeSnapshot(snapshot), 'test'))).toEqual(bitsOf(snapshot))
      }),
      { numRuns: 60 },
    )
  })

  it('reads what is a view into larger columns', async () => {
    const whole = allocateBars('BTC', 10)
    whole.open.set(Array.from({ length: 10 }, (_, i) => i))
    const view = Object.fromEntries(columns.map((name) => [name, whole[name].subarray(4, 7)])) as unknown as Bars
    const { bars } = await decodeSnapshot(
      await encodeSnapshot({ ...example, bars: [{ ...view, coin: 'BTC' }] }),
      'test',
    )
    expect([...bars[0].open]).toEqual([4, 5, 6])
  })

  it('has one name for one content', async () => {
    const [one, again] = [await encodeSnapshot(example), await encodeSnapshot(structuredClone(example))]
    expect(snapshotHash(again)).toBe(snapshotHash(one))
    const other = structuredClone(example)
    other.bars[0].close[2] = 0
    expect(snapshotHash(await encodeSnapshot(other))).not.toBe(snapshotHash(one))
  })

  it.each<[string, (file: Buffer) => Buffer, RegExp]>([
    ['torn', (file) => file.subarray(0, -9), /unexpected end of file/],
    ['of another format', () => gzipSync('something else entirely'), /it begins otherwise/],
    ['no gzip at all', () => Buffer.from('plain'), /incorrect header check/],
    ['short of a column', (file) => gzipSync(gunzipSync(file).subarray(0, -8)), /its header announces/],
    [
      'longer than announced',
      (file) => gzipSync(Buffer.concat([gunzipSync(file), Buffer.alloc(8)])),
      /its header announces/,
    ],
    ['without a header', (file) => gzipSync(Buffer.from(gunzipSync(file)).fill(0x20, 12, 14)), /its header is no JSON/],
    ['with rows that are no number', (file) => gzipSync(replaced(gunzipSync(file), '"rows":3', '"rows":x')), /no JSON/],
    ['with rows below zero', (file) => gzipSync(replaced(gunzipSync(file), '"rows":3}', '"rows":-3')), /no JSON|rows/],
  ])('%s is refused', async (_, damage, words) => {
    const error = await decodeSnapshot(damage(await encodeSnapshot(example)), 'the file').catch((thrown) => thrown)
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(/^the file is not a whole snapshot: /)
    expect(error.message).toMatch(words)
  })
})

function replaced(bytes: Buffer, text: string, by: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(text, by), 'latin1')
}
