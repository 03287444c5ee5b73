import { createHash } from 'node:crypto'
import type { Bars } from './bars.ts'

/**
 * SHA-256 over the columns of every coin: two datasets have the same hash when they hold the same bars.
 * The order of the coins does not matter.
 *
 * @returns 64 hexadecimal digits.
 */
export function dataHash(bars: readonly Bars[]): string {
  const hash = createHash('sha256')
  for (const coin of [...bars].sort((a, b) => (a.coin < b.coin ? -1 : 1))) {
    hash.update(`${coin.coin}/${coin.openTime.length}\n`)
    for (const column of [
      coin.openTime,
      coin.open,
      coin.high,
      coin.low,
      coin.close,
      coin.volume,
      coin.funding,
      coin.openInterest,
    ]) {
      hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength))
    }
  }
  return hash.digest('hex')
}
